using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MLNet.Ssl.Files;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Weights;
using static TorchSharp.torch;

namespace MLNet.Ssl.ModelFiles;

/// <summary>
/// Reads a model file: its description first, and entries as parts ask for them, each compared with its hash before
/// anything looks into it.
/// </summary>
internal sealed class ModelReader
{
    // Larger entries are unpacked into a temporary file.
    private const long MostInMemory = 1 << 24, MostDescription = 1 << 28;

    private readonly StoredArchive _archive;
    private readonly HashSet<string> _served = [];
    private readonly List<ITransformer> _restored = [];
    private IReadOnlyDictionary<string, ModelDescription.Entry> _entries =
        new Dictionary<string, ModelDescription.Entry>();

    private ModelReader(MLContext context, Device device, StoredArchive archive) =>
        (Context, Device, _archive) = (context, device, archive);

    public MLContext Context { get; }

    /// <summary>Where encoders compute.</summary>
    public Device Device { get; }

    /// <param name="context">The context.</param>
    /// <param name="device">Where encoders compute.</param>
    /// <param name="file">The file; it can be sought in, and stays the caller's.</param>
    /// <param name="name">What messages call the file.</param>
    public static (ITransformer Model, DataViewSchema? Schema) Read(
        MLContext context, Device device, Stream file, string name)
    {
        try
        {
            using var archive = StoredArchive.Open(file);
            return new ModelReader(context, device, archive).Read();
        }
        // Damaged bytes make the archive, JSON, ML.NET and the library throw nearly anything.
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidDataException($"{name} is refused: {e.Message}", e);
        }
    }

    /// <summary>Where a transformer writes its log.</summary>
    public IHost Register(string name) => ((IHostEnvironment)Context).Register(name);

    /// <summary>Restores a part; if a later one fails, it is disposed of.</summary>
    public ITransformer Restore(SavedPart part)
    {
        var transformer = part.Restore(this);
        _restored.Add(transformer);
        return transformer;
    }

    /// <summary>
    /// Reads an entry, which can be sought in. Each serves one part, so that what is built is bounded by the file.
    /// </summary>
    public T Read<T>(string name, Func<Stream, T> read)
    {
        try
        {
            if (!_entries.TryGetValue(name, out var entry))
                throw new InvalidDataException("the list of entries lacks it.");
            if (!_served.Add(name)) throw new InvalidDataException("two parts of the model refer to it.");
            using var stream = Unpack(name, entry);
            return read(stream);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidDataException($"entry '{name}': {e.Message}", e);
        }
    }

    /// <summary>The tensors of a safetensors file that must have these and no others.</summary>
    public static Dictionary<string, Tensor> Tensors(Stream stream, params string[] names)
    {
        var (stored, _) = SafeTensorsReader.Read(stream);
        if (!stored.Keys.ToHashSet().SetEquals(names))
        {
            throw new InvalidDataException(
                $"it has the tensors {string.Join(", ", stored.Keys)}; expected {string.Join(", ", names)}.");
        }
        return stored.ToDictionary(tensor => tensor.Key, tensor => ((StoredTensor)tensor.Value!).Read());
    }

    private (ITransformer, DataViewSchema?) Read()
    {
        var description = ReadDescription();
        _entries = description.Entries;
        CheckEntries();
        try
        {
            var model = Restore(description.Model);
            if (_entries.ContainsKey(NoteToMLNet.EntryName)) Read(NoteToMLNet.EntryName, _ => true);
            return (model, description.Schema?.Restore(this));
        }
        catch
        {
            foreach (var transformer in _restored) (transformer as IDisposable)?.Dispose();
            throw;
        }
    }

    private ModelDescription ReadDescription()
    {
        const string Name = ModelDescription.EntryName;
        var bytes = _archive.ReadAll(Name, null, MostDescription);
        using var json = JsonDocument.Parse(bytes, new() { MaxDepth = BackboneJson.Options.MaxDepth });
        CheckVersion(json.RootElement);
        if (!Convert.ToHexStringLower(SHA256.HashData(bytes))
            .Equals(_archive.Comment, StringComparison.OrdinalIgnoreCase))
            throw new InvalidDataException(
                $"{Name} is not what was written: its SHA-256 is not the archive's comment.");
        return json.RootElement.Deserialize<ModelDescription>(BackboneJson.Options)
            ?? throw new InvalidDataException($"{Name} is empty.");
    }

    /// <summary>Told before anything else, as newer versions may look different.</summary>
    private static void CheckVersion(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("format", out var format) || format.ValueKind != JsonValueKind.String
            || format.GetString() != ModelDescription.FormatName
            || !root.TryGetProperty("formatVersion", out var version) || version.ValueKind != JsonValueKind.Number
            || !version.TryGetInt32(out int number) || number < 1)
        {
            throw new InvalidDataException(
                $"{ModelDescription.EntryName} names no format '{ModelDescription.FormatName}' with a version.");
        }
        if (number <= ModelDescription.CurrentVersion) return;
        string writer = root.TryGetProperty("libraryVersion", out var library) ? library.ToString() : "newer";
        throw new InvalidDataException($"it is of format version {number}, written by MLNet.Ssl {writer}; "
            + $"MLNet.Ssl {ModelWriter.LibraryVersion} reads versions up to {ModelDescription.CurrentVersion}. "
            + $"Load it with MLNet.Ssl {writer} or later.");
    }

    /// <summary>Refuses an archive that lacks entries of the list or has others, or whose entries overlap.</summary>
    private void CheckEntries()
    {
        long total = _entries.Keys.Sum(name => _archive.LengthOf(name)), most = _archive.FileLength;
        if (total > most) throw new InvalidDataException($"its entries claim {total} bytes; the file has {most}.");
        foreach (string name in _archive.Names)
            if (name != ModelDescription.EntryName && !_entries.ContainsKey(name))
                throw new InvalidDataException($"entry '{name}' is not on the list of entries.");
    }

    private Stream Unpack(string name, ModelDescription.Entry described)
    {
        long length = _archive.LengthOf(name);
        if (length != described.Length)
            throw new InvalidDataException($"it has {length} bytes; {described.Length} were written.");
        if (length <= MostInMemory) return new MemoryStream(_archive.ReadAll(name, described.Sha256), writable: false);
        var copy = TemporaryFile.Create(Context.TempFilePath);
        try
        {
            using var source = _archive.Read(name);
            var piece = new byte[1 << 16];
            while (source.Length < length)
            {
                var bytes = piece.AsSpan(0, (int)Math.Min(length - source.Length, piece.Length));
                source.ReadExactly(bytes);
                copy.Write(bytes);
            }
            StoredArchive.CheckHash(name, source, described.Sha256);
            copy.Position = 0;
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }
}
