using System.Text;
using System.Text.Json.Nodes;
using MLNet.Ssl.Tests;
using static TorchSharp.torch;

namespace MLNet.Ssl.Fuzz;

/// <summary>Whole files of weights whose names and shapes are almost those of a published network, and indexes of
/// shards.</summary>
internal static class NetworkCorpus
{
    /// <summary>Heads of the networks' attention, which shapes do not tell.</summary>
    public const int Heads = 3, HeadsOfShards = 2;

    private const long MostValues = 1 << 18;

    private static readonly string Foreign = Path.Combine(Tests.Golden.Folder, "foreign");

    private static readonly Lazy<(string Name, long[] Shape)[][]> Networks = new(() =>
        [.. Directory.GetFiles(Foreign, "*.safetensors").Order(StringComparer.Ordinal)
            .Where(file => !file.Contains(".ref.", StringComparison.Ordinal)).Select(Shapes)]);

    /// <summary>Tensors left out, named otherwise or of another shape, one to three of them.</summary>
    public static byte[] Network(int seed)
    {
        var random = new Random(seed);
        var tensors = random.Of(Networks.Value).ToList();
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(tensors.Count);
            var (name, shape) = tensors[at];
            switch (random.Next(5))
            {
                case 0: tensors.RemoveAt(at); break;
                // A whole block or layer is gone.
                case 1:
                    string part = name[..(name.LastIndexOf('.') + 1)];
                    tensors.RemoveAll(tensor => tensor.Name.StartsWith(part, StringComparison.Ordinal));
                    break;
                case 2: tensors[at] = (Renamed(name, random), shape); break;
                default: tensors[at] = (name, Reshaped(shape, random)); break;
            }
            if (tensors.Count == 0) break;
        }
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        SafeTensors.Write(folder.File("a"), tensors.DistinctBy(tensor => tensor.Name)
            .Select(tensor => KeyValuePair.Create(tensor.Name, zeros(tensor.Shape))));
        return File.ReadAllBytes(folder.File("a"));
    }

    /// <summary>An index of the shards that <see cref="Shards"/> puts beside it.</summary>
    public static byte[] ShardIndex(int seed)
    {
        var random = new Random(seed);
        byte[] index = File.ReadAllBytes(Path.Combine(Foreign, "wrap_sharded.safetensors.index.json"));
        if (random.Next(3) == 0) return Mutations.Bytes(index, random);
        var json = JsonNode.Parse(index)!;
        Mutations.Json(json, random);
        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    /// <summary>Copies the shards into a folder.</summary>
    public static void Shards(string folder)
    {
        foreach (string shard in Directory.GetFiles(Foreign, "wrap_sharded-*.safetensors"))
        {
            string copy = Path.Combine(folder, Path.GetFileName(shard));
            if (!File.Exists(copy)) File.Copy(shard, copy);
        }
    }

    private static string Renamed(string name, Random random)
    {
        var parts = name.Split('.');
        int at = random.Next(parts.Length);
        parts[at] = int.TryParse(parts[at], out int number)
            ? $"{random.Of([number + 1, -1, 99, int.MaxValue, 4_000_000_000, 99_999_999_999_999_999])}"
            : random.Of(["", "x", parts[at] + "0", "0", "weight", "bias"]);
        return string.Join('.', parts);
    }

    private static long[] Reshaped(long[] shape, Random random)
    {
        long[] changed = [.. shape];
        if (changed.Length == 0 || random.Next(5) == 0) return [.. changed, random.Next(3)];
        int at = random.Next(changed.Length);
        if (random.Next(5) == 0) return [.. changed[..at], .. changed[(at + 1)..]];
        changed[at] = random.Of([0, 1, 2, 3, changed[at] - 1, changed[at] + 1, 2 * changed[at], changed[at] / 2, 1000]);
        return changed.Aggregate(1L, (a, b) => a * Math.Max(b, 1)) > MostValues ? shape : changed;
    }

    private static (string, long[])[] Shapes(string file)
    {
        using var checkpoint = Checkpoint.Open(file);
        return [.. ((IReadOnlyDictionary<string, object?>)checkpoint.Root!)
            .Select(entry => (entry.Key, ((StoredTensor)entry.Value!).Shape.ToArray()))];
    }
}
