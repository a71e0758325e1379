using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using MLNet.Ssl.Files;
using MLNet.Ssl.Weights;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Reads a model file: its description first, and entries as parts ask for them, each compared with its hash before anything looks into it.</summary>
internal sealed class ModelReader
{
    // Larger entries are unpacked into a temporary file.
    private const long MostInMemory = 1 << 24, MostDescription = 1 << 28;

    private readonly ILookup<string, ZipArchiveEntry> _archived;
    private readonly string _comment;
    private readonly long _fileLength;
    private readonly HashSet<string> _served = [];
    private readonly List<ITransformer> _restored = [];
    private IReadOnlyDictionary<string, ModelDescription.Entry> _entries = new Dictionary<string, ModelDescription.Entry>();

    private ModelReader(MLContext context, Device device, ZipArchive archive, long fileLength) =>
        (Context, Device, _archived, _comment, _fileLength) = (context, device, archive.Entries.ToLookup(entry => entry.FullName), archive.Comment, fileLength);

    public MLContext Context { get; }

    /// <summary>Where encoders compute.</summary>
    public Device Device { get; }

    public static (ITransformer Model, DataViewSchema? Schema) Read(MLContext context, Device device, string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            GitLfsPointer.Refuse(file);
            using var archive = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            return new ModelReader(context, device, archive, file.Length).Read();
        }
        // Damaged bytes make the archive, JSON, ML.NET and the library throw nearly anything.
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidDataException($"The model file '{path}' is refused: {e.Message}", e);
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

    /// <summary>Reads an entry, which can be sought in. Each serves one part, so that what is built is bounded by the file.</summary>
    public T Read<T>(string name, Func<Stream, T> read)
    {
        try
        {
            if (!_entries.TryGetValue(name, out var entry)) throw new InvalidDataException("the list of entries lacks it.");
            if (!_served.Add(name)) throw new InvalidDataException("two parts of the model refer to it.");
            using var stream = Unpack(name, entry.Length, entry.Sha256);
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
            throw new InvalidDataException($"it has the tensors {string.Join(", ", stored.Keys)}; expected {string.Join(", ", names)}.");
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
        var length = Entry(ModelDescription.EntryName).Length;
        if (length > MostDescription) throw new InvalidDataException($"{ModelDescription.EntryName} has {length} bytes; at most {MostDescription} are read.");
        using var stream = Unpack(ModelDescription.EntryName, length, null);
        using var json = JsonDocument.Parse(stream, new() { MaxDepth = ModelJson.Options.MaxDepth });
        CheckVersion(json.RootElement);
        stream.Position = 0;
        if (!string.Equals(Convert.ToHexStringLower(SHA256.HashData(stream)), _comment, StringComparison.OrdinalIgnoreCase))
            throw new InvalidDataException($"{ModelDescription.EntryName} is not what was written: its SHA-256 is not the archive's comment.");
        return json.RootElement.Deserialize<ModelDescription>(ModelJson.Options) ?? throw new InvalidDataException($"{ModelDescription.EntryName} is empty.");
    }

    /// <summary>Told before anything else, as newer versions may look different.</summary>
    private static void CheckVersion(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var format) || format.ValueKind != JsonValueKind.String
            || format.GetString() != ModelDescription.FormatName || !root.TryGetProperty("formatVersion", out var version)
            || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int number) || number < 1)
            throw new InvalidDataException($"{ModelDescription.EntryName} names no format '{ModelDescription.FormatName}' with a version.");
        if (number <= ModelDescription.CurrentVersion) return;
        string writer = root.TryGetProperty("libraryVersion", out var library) ? library.ToString() : "newer";
        throw new InvalidDataException($"it is of format version {number}, written by MLNet.Ssl {writer}; MLNet.Ssl {ModelWriter.LibraryVersion} reads "
            + $"versions up to {ModelDescription.CurrentVersion}. Load it with MLNet.Ssl {writer} or later.");
    }

    /// <summary>The archive has the entries of the list, and no others, and they do not overlap.</summary>
    private void CheckEntries()
    {
        long total = _entries.Keys.Sum(name => Entry(name).Length);
        if (total > _fileLength) throw new InvalidDataException($"its entries claim {total} bytes; the file has {_fileLength}.");
        foreach (var entry in _archived)
            if (entry.Key != ModelDescription.EntryName && !_entries.ContainsKey(entry.Key))
                throw new InvalidDataException($"entry '{entry.Key}' is not on the list of entries.");
    }

    private ZipArchiveEntry Entry(string name)
    {
        var entries = _archived[name].ToArray();
        if (entries is not [var only]) throw new InvalidDataException($"it has {entries.Length} entries '{name}'; expected one.");
        if (only.CompressedLength != only.Length) throw new InvalidDataException($"entry '{name}' is compressed; expected it stored.");
        if (only.Length > _fileLength) throw new InvalidDataException($"entry '{name}' claims {only.Length} bytes; the file has {_fileLength}.");
        return only;
    }

    private Stream Unpack(string name, long length, string? sha256)
    {
        var entry = Entry(name);
        if (entry.Length != length) throw new InvalidDataException($"it has {entry.Length} bytes; {length} were written.");
        Stream copy = length <= MostInMemory ? new MemoryStream((int)length) : TemporaryFile();
        try
        {
            using var source = entry.Open();
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var piece = new byte[(int)Math.Min(length, 1 << 16)];
            for (long left = length; left > 0;)
            {
                var bytes = piece.AsSpan(0, (int)Math.Min(left, piece.Length));
                source.ReadExactly(bytes);
                hash.AppendData(bytes);
                copy.Write(bytes);
                left -= bytes.Length;
            }
            if (sha256 is not null && !Convert.ToHexStringLower(hash.GetHashAndReset()).Equals(sha256, StringComparison.OrdinalIgnoreCase))
                throw new InvalidDataException("it is not what was written: its SHA-256 is another.");
            copy.Position = 0;
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    private FileStream TemporaryFile() => new(
        Path.Combine(string.IsNullOrEmpty(Context.TempFilePath) ? Path.GetTempPath() : Context.TempFilePath, $"mlnet-ssl-{Path.GetRandomFileName()}"),
        FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
}
