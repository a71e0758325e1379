using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace MLNet.Ssl.Tests;

/// <summary>Archives of stored entries, taken apart, changed and made consistent again.</summary>
internal static class Archives
{
    public static string Hash(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    public static Dictionary<string, byte[]> Entries(byte[] file)
    {
        var entries = new Dictionary<string, byte[]>();
        using var source = new ZipArchive(new MemoryStream(file));
        foreach (var entry in source.Entries)
        {
            using var stream = entry.Open();
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            entries[entry.FullName] = bytes.ToArray();
        }
        return entries;
    }

    public static byte[] Of(Dictionary<string, byte[]> entries, string comment = "",
        CompressionLevel compression = CompressionLevel.NoCompression)
    {
        using var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            archive.Comment = comment;
            foreach (var (name, bytes) in entries)
            {
                using var stream = archive.CreateEntry(name, compression).Open();
                stream.Write(bytes);
            }
        }
        return file.ToArray();
    }

    /// <summary>A model file with its description changed, after its entries, and the hashes of both.</summary>
    public static byte[] RewriteModel(byte[] file, Action<JsonNode> change,
        Action<Dictionary<string, byte[]>>? changeEntries = null,
        CompressionLevel compression = CompressionLevel.NoCompression)
    {
        var entries = Entries(file);
        var json = JsonNode.Parse(entries["model.json"])!;
        changeEntries?.Invoke(entries);
        foreach (var (name, bytes) in entries)
            if (name != "model.json" && json["entries"]![name] is { } listed)
                (listed["length"], listed["sha256"]) = (bytes.Length, Hash(bytes));
        change(json);
        entries["model.json"] = Encoding.UTF8.GetBytes(json.ToJsonString());
        return Of(entries, Hash(entries["model.json"]), compression);
    }
}
