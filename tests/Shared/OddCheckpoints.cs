using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace MLNet.Ssl.Tests;

/// <summary>Checkpoints of runs with other metadata under a checksum that fits, as one who knows the
/// format would write them.</summary>
internal static class OddCheckpoints
{
    /// <summary>Sets a field, or takes it away.</summary>
    public static void Rewrite(string file, string field, string? value) =>
        File.WriteAllBytes(file, Rewrite(File.ReadAllBytes(file), metadata =>
    {
        if (value is null) metadata.Remove(field);
        else metadata[field] = value;
    }));

    public static byte[] Rewrite(byte[] file, Action<JsonObject> change)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        var header = JsonNode.Parse(file.AsSpan(8, length))!.AsObject();
        var data = file.AsSpan(8 + length);
        var metadata = header["__metadata__"]!.AsObject();
        change(metadata);
        metadata["sha256"] = Checksum(header, metadata, data);
        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString());
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. data];
    }

    /// <summary>Of the metadata in order, then of each tensor's name, type, shape and elements.</summary>
    private static string Checksum(JsonObject header, JsonObject metadata, ReadOnlySpan<byte> data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Put(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text));
        foreach (var (key, value) in metadata.Where(entry => entry.Key != "sha256")
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)) Put($"{key}\0{value}\0");
        foreach (var (name, tensor) in header.Where(entry => entry.Key != "__metadata__")
            .OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            var shape = tensor!["shape"]!.AsArray().Select(n => (long)n!);
            Put($"{name}\0{Types[(string)tensor["dtype"]!]}\0{string.Join(',', shape)}\0");
            var range = tensor["data_offsets"]!.AsArray();
            hash.AppendData(data[(int)range[0]!..(int)range[1]!]);
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static readonly Dictionary<string, string> Types =
        new() { ["F32"] = "Float32", ["F64"] = "Float64", ["I64"] = "Int64", ["BOOL"] = "Bool", ["U8"] = "Byte" };
}
