using System.IO.Compression;
using MLNet.Ssl.Files;

namespace MLNet.Ssl.Weights;

/// <summary>The formats that a <see cref="Checkpoint"/> reads.</summary>
internal enum CheckpointFormat
{
    /// <summary>safetensors: a JSON header and raw data; or several such files with an index,
    /// <c>….safetensors.index.json</c>.</summary>
    SafeTensors,

    /// <summary>torch.save since PyTorch 1.6: a zip archive with a pickle and raw storages.</summary>
    TorchZip,

    /// <summary>torch.save before PyTorch 1.6: pickles followed by raw storages.</summary>
    TorchLegacy,
}

/// <summary>
/// A file of weights opened for reading: a PyTorch checkpoint (.pth, .pt, .pth.tar) or a safetensors file, told apart
/// by content; or the index (.safetensors.index.json) of several safetensors files beside it.
/// </summary>
/// <remarks>
/// Nothing in a file is ever executed. Of a pickle only what tensors and plain values need is understood; any
/// other object is an <see cref="OpaqueValue"/>, and a file that names a function by which pickles attack is
/// refused. Work and memory are bounded by the length of the file. Tensors are read when asked for, so the file
/// stays open; use from one thread at a time.
/// </remarks>
internal sealed class Checkpoint : IDisposable
{
    private readonly IDisposable _file;

    private Checkpoint(IDisposable file, string path, long length, CheckpointFormat format, object? root,
        Dictionary<string, string>? metadata = null) =>
        (_file, Path, Length, Format, Root, Metadata) = (file, path, length, format, root, metadata ?? []);

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>The file's format.</summary>
    public CheckpointFormat Format { get; }

    /// <summary>
    /// The contents. A dictionary is an <see cref="IReadOnlyDictionary{TKey, TValue}"/> of strings (other keys as
    /// Python prints them) and values, a list, tuple or set an <see cref="IReadOnlyList{T}"/>; numpy's numbers are
    /// numbers and its arrays tensors; other values are <see cref="StoredTensor"/>, <see cref="string"/>,
    /// <see cref="long"/>, <see cref="System.Numerics.BigInteger"/>, <see cref="double"/>, <see cref="bool"/>, bytes,
    /// null and <see cref="OpaqueValue"/>.
    /// </summary>
    /// <remarks>A pickle may hold a value more than once, and a list in itself.</remarks>
    public object? Root { get; }

    /// <summary>The <c>__metadata__</c> of a safetensors file; otherwise empty.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Bytes of the file.</summary>
    internal long Length { get; }

    /// <summary>Opens a file and reads all but the tensors' elements.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="InvalidDataException">The file is of no known format, damaged, or holds what is refused; the
    /// message names the file and the tensor or the Python name.</exception>
    public static Checkpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(InputFile.Open(path), path);
    }

    /// <summary>Opens a file that can be sought in, and takes it over.</summary>
    internal static Checkpoint Open(Stream file, string path)
    {
        try
        {
            return Read(file, path);
        }
        catch (Exception e)
        {
            file.Dispose();
            // What System.IO.Compression and the decoders throw on malformed input beside InvalidDataException.
            if (e is InvalidDataException or EndOfStreamException or OverflowException
                or ArgumentException or NotSupportedException or InvalidOperationException)
                throw new InvalidDataException($"The checkpoint '{path}' is refused: {e.Message}", e);
            throw;
        }
    }

    private static Checkpoint Read(Stream file, string path)
    {
        GitLfsPointer.Refuse(file);
        var start = new byte[9];
        int length = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        file.Position = 0;
        if (file is FileStream index && path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase))
        {
            var shards = ShardedSafeTensors.Open(index, path);
            return new(shards, path, shards.Length, CheckpointFormat.SafeTensors, shards.Tensors, shards.Metadata);
        }
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || (length == 9 && start[8] == '{'))
        {
            var (tensors, metadata) = SafeTensorsReader.Read(file);
            return new(file, path, file.Length, CheckpointFormat.SafeTensors, tensors, metadata);
        }
        if (start.AsSpan().StartsWith("PK"u8))
        {
            var archive = new ZipArchive(file, ZipArchiveMode.Read);
            return new(archive, path, file.Length, CheckpointFormat.TorchZip, Weights(TorchZip.Read(archive, path)));
        }
        if (length > 0 && start[0] == (byte)PickleOp.Proto)
            return new(file, path, file.Length, CheckpointFormat.TorchLegacy, Weights(TorchLegacy.Read(file)));
        throw new InvalidDataException(
            "it is neither a PyTorch checkpoint (zip, or pickle of protocol 2 to 5) nor a safetensors file. Nothing "
            + "was executed.");
    }

    /// <summary>torch.save of a module, not of its state, needs the module's program.</summary>
    private static object? Weights(object? root) => root is not OpaqueValue whole
        ? root
        : throw new InvalidDataException($"it is a whole Python object, '{whole.TypeName}', not its weights; in "
            + "Python, save its state_dict() instead. Nothing was executed.");

    /// <summary>Closes the file; its tensors can no longer be read.</summary>
    public void Dispose() => _file.Dispose();
}
