using System.Buffers.Binary;
using System.Text.Json;
using MLNet.Ssl.Files;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Weights;

/// <summary>Writes and reads safetensors files, the format in which Python's libraries exchange weights.</summary>
internal static class SafeTensors
{
    /// <summary>Reads all tensors of a file; <see cref="Checkpoint.Open(string)"/> reads them one at a time.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The tensors by name, on the CPU, owned by the caller.</returns>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or no safetensors file; the message names
    /// the file and the tensor.</exception>
    public static Dictionary<string, Tensor> Read(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        if (checkpoint.Format != CheckpointFormat.SafeTensors)
            throw new InvalidDataException($"'{path}' is no safetensors file but {checkpoint.Format}.");
        return ((IReadOnlyDictionary<string, object?>)checkpoint.Root!)
            .ToDictionary(entry => entry.Key, entry => ((StoredTensor)entry.Value!).Read());
    }

    /// <summary>Writes tensors. An existing file is replaced when the new one is complete; on an
    /// error it stays as it was.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Tensors by name, of any shape, strides and device; of the types F64, F32, F16, BF16, I64,
    /// I32, I16, I8, U8 and BOOL.</param>
    /// <param name="metadata">Text that goes with them; Python's libraries expect "format" to be "pt".</param>
    /// <exception cref="ArgumentException">A tensor has another element type or a name that the
    /// format keeps for itself.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        AtomicFile.Write(path, file => Write(file, tensors, metadata));
    }

    /// <summary>The same into a stream.</summary>
    internal static void Write(Stream file, IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        // Larger elements first, as the reference writes them: every tensor is then aligned.
        var entries = tensors.Select(t => (Name: t.Key, Tensor: t.Value, Type: TypeOf(t.Key, t.Value)))
            .OrderByDescending(t => t.Type.Size).ThenBy(t => t.Name, StringComparer.Ordinal).ToList();
        if (entries.GroupBy(e => e.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"The tensor '{twice.Key}' is given twice.", nameof(tensors));
        var header = Header(entries, metadata);
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        file.Write(length);
        file.Write(header);
        foreach (var (_, tensor, _) in entries) tensor.WriteTo(file);
    }

    private static ElementType TypeOf(string name, Tensor tensor)
    {
        if (name == SafeTensorsReader.MetadataKey)
            throw new ArgumentException($"A tensor cannot be named '{name}': the format uses that name.");
        return ElementType.Find(tensor.dtype)
            ?? throw new ArgumentException(
                $"The tensor '{name}' is of {tensor.dtype}; safetensors files hold {ElementType.Names}.");
    }

    private static byte[] Header(IEnumerable<(string Name, Tensor Tensor, ElementType Type)> entries,
        IReadOnlyDictionary<string, string>? metadata)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafeTensorsReader.MetadataKey);
                foreach (var (key, value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (var (name, tensor, type) in entries)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", type.SafeTensors);
                WriteLongs("shape", tensor.shape);
                WriteLongs("data_offsets", [offset, offset += tensor.numel() * type.Size]);
                json.WriteEndObject();
            }
            json.WriteEndObject();

            void WriteLongs(string name, long[] values)
            {
                json.WriteStartArray(name);
                foreach (long value in values) json.WriteNumberValue(value);
                json.WriteEndArray();
            }
        }
        // The data begins at a multiple of 8.
        while (stream.Length % 8 != 0) stream.WriteByte((byte)' ');
        return stream.ToArray();
    }
}
