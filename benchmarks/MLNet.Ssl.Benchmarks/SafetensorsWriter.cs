using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Writes float tensors for the twin: a length, a JSON header, then the raw data.</summary>
internal static class SafetensorsWriter
{
    public static void Write(string path, IReadOnlyList<(string Name, Tensor Tensor)> tensors, Dictionary<string, string> metadata)
    {
        using var scope = NewDisposeScope();
        var header = new Dictionary<string, object> { ["__metadata__"] = metadata };
        long offset = 0;
        foreach (var (name, tensor) in tensors)
        {
            long end = offset + tensor.numel() * sizeof(float);
            header[name] = new { dtype = "F32", tensor.shape, data_offsets = new[] { offset, end } };
            offset = end;
        }
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        var length = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        using var file = File.Create(path);
        file.Write(length);
        file.Write(json);
        foreach (var (_, tensor) in tensors) file.Write(tensor.detach().cpu().contiguous().bytes);
    }
}
