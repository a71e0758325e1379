using System.IO.Compression;

namespace MLNet.Ssl.Files;

/// <summary>
/// A zip archive whose entries are stored, not compressed, so that none can be larger than the file, and whose SHA-256
/// hashes are known: the form of model files and of index files.
/// </summary>
internal sealed class StoredArchive : IDisposable
{
    private readonly ZipArchive _archive;
    private readonly ILookup<string, ZipArchiveEntry> _entries;

    private StoredArchive(ZipArchive archive, long fileLength)
    {
        (_archive, FileLength) = (archive, fileLength);
        _entries = archive.Entries.ToLookup(entry => entry.FullName);
    }

    /// <summary>Bytes of the whole file.</summary>
    public long FileLength { get; }

    public string Comment => _archive.Comment;

    public IEnumerable<string> Names => _entries.Select(entry => entry.Key);

    /// <summary>Opens a file that can be sought in, which stays the caller's.</summary>
    /// <exception cref="InvalidDataException">It is no zip archive, or a Git LFS pointer.</exception>
    public static StoredArchive Open(Stream file)
    {
        GitLfsPointer.Refuse(file);
        try
        {
            return new(new(file, ZipArchiveMode.Read, leaveOpen: true), file.Length);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"it is no zip archive, or ends early ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>Adds an entry to an archive that is being written.</summary>
    /// <returns>Its bytes, and their SHA-256 in lower-case hexadecimal digits.</returns>
    public static (long Length, string Sha256) Write(ZipArchive archive, string name, Action<Stream> write)
    {
        using var entry = new HashingStream(archive.CreateEntry(name, CompressionLevel.NoCompression).Open());
        write(entry);
        return (entry.Length, entry.Hash());
    }

    /// <summary>Bytes that an entry has, checked before memory is taken for them.</summary>
    /// <exception cref="InvalidDataException">There is not exactly one such entry, it is compressed, or it claims more
    /// than
    /// <paramref name="maxBytes"/> or the file have.</exception>
    public long LengthOf(string name, long maxBytes = long.MaxValue) => Find(name, maxBytes).Length;

    /// <summary>Opens an entry, from which no more than <see cref="LengthOf"/> bytes are to be read.</summary>
    /// <exception cref="InvalidDataException">As <see cref="LengthOf"/>.</exception>
    public HashingStream Read(string name) => new(Find(name, long.MaxValue).Open());

    /// <summary>Reads a whole entry.</summary>
    /// <param name="name">Name of the entry.</param>
    /// <param name="sha256">SHA-256 of what was written, in hexadecimal digits; null where it is compared
    /// later.</param>
    /// <param name="maxBytes">Most bytes that it may have.</param>
    /// <inheritdoc cref="LengthOf" path="/exception"/>
    public byte[] ReadAll(string name, string? sha256, long maxBytes = long.MaxValue)
    {
        var bytes = new byte[LengthOf(name, Math.Min(maxBytes, Array.MaxLength))];
        using var stream = Read(name);
        stream.ReadExactly(bytes);
        if (sha256 is not null) CheckHash(name, stream, sha256);
        return bytes;
    }

    /// <summary>Refuses an entry that is not what was written, once all of it has been read.</summary>
    /// <exception cref="InvalidDataException">The hashes differ.</exception>
    public static void CheckHash(string name, HashingStream read, string sha256)
    {
        if (!read.Hash().Equals(sha256, StringComparison.OrdinalIgnoreCase))
            throw new InvalidDataException($"{name} is not what was written: its SHA-256 is another.");
    }

    public void Dispose() => _archive.Dispose();

    private ZipArchiveEntry Find(string name, long maxBytes)
    {
        var entries = _entries[name].ToArray();
        if (entries is not [var only])
            throw new InvalidDataException($"it has {entries.Length} entries '{name}'; expected one.");
        if (only.CompressedLength != only.Length)
            throw new InvalidDataException($"{name} is compressed; expected it stored.");
        long most = Math.Min(maxBytes, FileLength);
        if (only.Length > most)
            throw new InvalidDataException($"{name} claims {only.Length} bytes; at most {most} are possible.");
        return only;
    }
}
