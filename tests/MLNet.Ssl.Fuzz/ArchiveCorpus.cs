using System.Text;
using System.Text.Json.Nodes;
using MLNet.Ssl.Tests;

namespace MLNet.Ssl.Fuzz;

/// <summary>Model files and indexes: half of them damaged as they are, the others changed inside
/// and made consistent again.</summary>
internal static class ArchiveCorpus
{
    private static readonly Lazy<byte[]> ModelFile =
        new(() => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "corpus", "format-1.zip")));
    private static readonly Lazy<byte[]> IndexFile = new(WriteIndex);

    public static byte[] Model(int seed)
    {
        var random = new Random(seed);
        if (random.Next(3) == 0) return Mutations.Bytes(ModelFile.Value, random);
        return random.Next(3) == 0
            ? Archives.RewriteModel(ModelFile.Value, _ => { }, entries => DamageOne(entries, "model.json", random))
            : Archives.RewriteModel(ModelFile.Value, json => Mutations.Json(json, random));
    }

    public static byte[] Index(int seed)
    {
        var random = new Random(seed);
        if (random.Next(3) == 0) return Mutations.Bytes(IndexFile.Value, random);
        var entries = Archives.Entries(IndexFile.Value);
        var header = JsonNode.Parse(entries["index.json"])!;
        if (random.Next(2) == 0) DamageOne(entries, "index.json", random);
        header["embeddingsSha256"] = Archives.Hash(entries["embeddings.f32"]);
        header["keysSha256"] = Archives.Hash(entries["keys.json"]);
        if (random.Next(2) == 0) Mutations.Json(header, random);
        entries["index.json"] = Encoding.UTF8.GetBytes(header.ToJsonString());
        return Archives.Of(entries);
    }

    private static void DamageOne(Dictionary<string, byte[]> entries, string but, Random random)
    {
        string name = random.Of(entries.Keys.Where(key => key != but).ToList());
        entries[name] = Mutations.Bytes(entries[name], random);
    }

    private static byte[] WriteIndex()
    {
        var index = new EmbeddingIndex(4);
        for (int i = 0; i < 20; i++) index.Add($"photo {i}", [i + 1, i % 3, -i, 1]);
        using var folder = new TemporaryFolder();
        index.Save(folder.File("index.zip"));
        return File.ReadAllBytes(folder.File("index.zip"));
    }
}
