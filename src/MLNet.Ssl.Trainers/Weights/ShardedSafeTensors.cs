using System.Text.Json;
using MLNet.Ssl.Files;

namespace MLNet.Ssl.Weights;

/// <summary>A network in several safetensors files of a folder, with an index that
/// says which tensor is where.</summary>
internal sealed class ShardedSafeTensors : IDisposable
{
    private const int MaxIndex = 64 << 20, MaxFiles = 1024;

    private readonly List<FileStream> _files = [];

    public Dictionary<string, object?> Tensors { get; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Bytes of all files.</summary>
    public long Length => _files.Sum(file => file.Length);

    /// <summary>Opens the files that an index names; the index is closed.</summary>
    public static ShardedSafeTensors Open(FileStream index, string path)
    {
        var shards = new ShardedSafeTensors();
        try
        {
            shards.Read(Places(index), Path.GetDirectoryName(Path.GetFullPath(path))!);
            index.Dispose();
            return shards;
        }
        catch
        {
            shards.Dispose();
            throw;
        }
    }

    /// <summary>Names of the files that an index names, each beside it.</summary>
    /// <exception cref="InvalidDataException">It is no such index.</exception>
    public static IReadOnlyList<string> FilesOf(string path)
    {
        using var index = InputFile.Open(path);
        return Files(Places(index));
    }

    private static List<(string Name, string File)> Places(FileStream index)
    {
        if (index.Length > MaxIndex)
            throw new InvalidDataException($"the index has {index.Length} bytes; at most {MaxIndex} are read.");
        try
        {
            using var json = JsonDocument.Parse(index, new() { AllowDuplicateProperties = false });
            return Places(json.RootElement);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"its index is not valid JSON: {e.Message}", e);
        }
    }

    private static List<(string Name, string File)> Places(JsonElement index)
    {
        if (index.ValueKind != JsonValueKind.Object || !index.TryGetProperty("weight_map", out var map)
            || map.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException("its index has no weight_map.");
        return [.. map.EnumerateObject()
            .Select(p => (p.Name, p.Value.ValueKind == JsonValueKind.String ? p.Value.GetString()! : ""))];
    }

    private static List<string> Files(List<(string Name, string File)> places)
    {
        var names = places.Select(place => place.File).Distinct().ToList();
        if (names.Count > MaxFiles)
            throw new InvalidDataException($"its index names {names.Count} files; at most {MaxFiles} are read.");
        // Files beside the index alone: a name leads nowhere else.
        if (names.FirstOrDefault(name => name is "" or "." or ".." || name.AsSpan().ContainsAny("/\\:\0")) is { } wrong)
            throw new InvalidDataException($"its index names '{wrong}', which is no file beside it.");
        return names;
    }

    private void Read(List<(string Name, string File)> places, string folder)
    {
        var files = Files(places).ToDictionary(name => name, name => Shard(Path.Combine(folder, name)));
        foreach (var (name, file) in places)
        {
            if (!files[file].TryGetValue(name, out var tensor))
                throw new InvalidDataException($"'{file}' lacks the tensor '{name}'.");
            Tensors[name] = tensor;
        }
    }

    private Dictionary<string, object?> Shard(string path)
    {
        if (!File.Exists(path))
            throw new InvalidDataException($"the file '{Path.GetFileName(path)}' of its index is missing.");
        var file = InputFile.Open(path);
        _files.Add(file);
        GitLfsPointer.Refuse(file);
        file.Position = 0;
        return SafeTensorsReader.Read(file).Tensors;
    }

    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }
}
