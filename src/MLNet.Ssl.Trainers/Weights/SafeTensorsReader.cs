using System.Buffers.Binary;
using System.Text.Json;

namespace MLNet.Ssl.Weights;

/// <summary>The safetensors format: the header's length (8 bytes), a JSON header, then the
/// tensors' elements without gaps.</summary>
internal static class SafeTensorsReader
{
    public const string MetadataKey = "__metadata__";

    /// <summary>The format's own bound on the header.</summary>
    private const long MaxHeader = 100_000_000;

    public static (Dictionary<string, object?> Tensors, Dictionary<string, string> Metadata) Read(Stream file)
    {
        if (file.Length < 8)
            throw new InvalidDataException($"it has {file.Length} bytes; a safetensors file has at least 8.");
        var prefix = new byte[8];
        file.ReadExactly(prefix);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        long after = file.Length - 8;
        if (headerLength > (ulong)Math.Min(after, MaxHeader))
            throw new InvalidDataException($"its header is said to have {headerLength} bytes; {after} follow, and at "
                + $"most {MaxHeader} are allowed.");
        var json = new byte[(int)headerLength];
        file.ReadExactly(json);
        if (json is not [(byte)'{', ..]) throw new InvalidDataException("its header is not a JSON object.");
        try
        {
            using var header = JsonDocument.Parse(json, new() { AllowDuplicateProperties = false });
            return Read(header.RootElement, file, 8 + (long)headerLength);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"its header is not valid JSON: {e.Message}", e);
        }
    }

    private static (Dictionary<string, object?>, Dictionary<string, string>) Read(JsonElement header, Stream file,
        long dataStart)
    {
        var tensors = new Dictionary<string, object?>();
        var metadata = new Dictionary<string, string>();
        var ranges = new List<(long Begin, long End, string Name)>();
        foreach (var entry in header.EnumerateObject())
        {
            if (entry.Name == MetadataKey)
            {
                metadata = ReadMetadata(entry.Value);
                continue;
            }
            try
            {
                var (tensor, begin, end) = ReadTensor(entry.Value, file, dataStart);
                tensors.Add(entry.Name, tensor);
                ranges.Add((begin, end, entry.Name));
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException($"tensor '{entry.Name}': {e.Message}", e);
            }
        }
        CheckCover(ranges, file.Length - dataStart);
        return (tensors, metadata);
    }

    private static Dictionary<string, string> ReadMetadata(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object
            || value.EnumerateObject().Any(p => p.Value.ValueKind != JsonValueKind.String))
            throw new InvalidDataException($"{MetadataKey} is not an object of strings.");
        return value.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);
    }

    private static (StoredTensor Tensor, long Begin, long End) ReadTensor(JsonElement entry, Stream file,
        long dataStart)
    {
        var dtype = Field(entry, "dtype", JsonValueKind.String).GetString();
        var type = ElementType.All.FirstOrDefault(e => e.SafeTensors == dtype)
            ?? throw new InvalidDataException($"its element type is '{dtype}'; known are {ElementType.Names}.");
        var shape = Longs(Field(entry, "shape", JsonValueKind.Array), "shape");
        if (Longs(Field(entry, "data_offsets", JsonValueKind.Array), "data_offsets") is not [var begin, var end])
            throw new InvalidDataException("data_offsets are not a pair.");
        if (begin > end || end > file.Length - dataStart)
            throw new InvalidDataException(
                $"data_offsets are [{begin}, {end}]; the file has {file.Length - dataStart} bytes of data.");
        Int128 bytes = StoredTensor.Product(shape) * type.Size;
        if (bytes != end - begin)
            throw new InvalidDataException($"{type.SafeTensors} of shape ({StoredTensor.Text(shape)}) takes {bytes} "
                + $"bytes; data_offsets give {end - begin}.");
        var data = new StoredBytes.Region(file, dataStart + begin, end - begin);
        return (new(new StoredStorage(type, (end - begin) / type.Size, data), shape), begin, end);
    }

    private static JsonElement Field(JsonElement entry, string name, JsonValueKind kind) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value
            : throw new InvalidDataException($"its {name} is missing or no {kind.ToString().ToLowerInvariant()}.");

    private static long[] Longs(JsonElement array, string name)
    {
        var values = new long[array.GetArrayLength()];
        int i = 0;
        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out values[i]) || values[i++] < 0)
                throw new InvalidDataException($"its {name} holds {item}; expected whole numbers from 0 on.");
        }
        return values;
    }

    /// <summary>The tensors must cover the data without gap or overlap.</summary>
    private static void CheckCover(List<(long Begin, long End, string Name)> ranges, long length)
    {
        ranges.Sort();
        long covered = 0;
        foreach (var (begin, end, name) in ranges)
        {
            if (begin != covered)
            {
                string where = begin < covered ? "inside" : "after a gap behind";
                throw new InvalidDataException(
                    $"tensor '{name}' begins at {begin}, {where} the one that ends at {covered}.");
            }
            covered = end;
        }
        if (covered != length) throw new InvalidDataException($"{length - covered} bytes follow the last tensor.");
    }
}
