using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using MLNet.Ssl.Files;

namespace MLNet.Ssl.Search;

/// <summary>
/// The file of an <see cref="EmbeddingIndex"/>: a zip archive of three entries that are stored, not compressed, so that none can be larger than the file.
/// <c>embeddings.f32</c>, count × dimension little-endian floats; <c>keys.json</c>, an array of strings; <c>index.json</c>, format, version, dimension, count
/// and the SHA-256 of the other two.
/// </summary>
internal static class EmbeddingIndexFile
{
    private const string Format = "MLNet.Ssl.EmbeddingIndex", Header = "index.json", Embeddings = "embeddings.f32", Keys = "keys.json";
    private const int Version = 1, MaxHeaderBytes = 1 << 16;

    // What a row of length 1 may be off by, in single precision.
    private const double LengthTolerance = 1e-3;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, RespectNullableAnnotations = true };

    private sealed record Description(string Format, int Version, int Dimension, int Count, string EmbeddingsSha256, string KeysSha256);

    public static void Save(EmbeddingIndex index, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path), unfinished = $"{full}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write))
            {
                using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
                {
                    var embeddings = Write(archive, Embeddings, stream =>
                    {
                        for (int row = 0; row < index.Count; row++) stream.Write(MemoryMarshal.AsBytes(index[row]));
                    });
                    var keys = Write(archive, Keys, stream => JsonSerializer.Serialize(stream, index.Keys, Json));
                    var description = new Description(Format, Version, index.Dimension, index.Count, embeddings, keys);
                    Write(archive, Header, stream => JsonSerializer.Serialize(stream, description, Json));
                }
                file.Flush(flushToDisk: true);
            }
            File.Move(unfinished, full, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    public static EmbeddingIndex Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = File.OpenRead(path);
        try
        {
            GitLfsPointer.Refuse(file);
            using var archive = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            return Read(archive, file.Length);
        }
        // What the archive and its readers say of damaged bytes.
        catch (Exception e) when (e is InvalidDataException or JsonException or EndOfStreamException or ArgumentException or NotSupportedException
            or OverflowException or IOException)
        {
            throw new InvalidDataException($"{path} is damaged or no embedding index: {e.Message}", e);
        }
    }

    private static EmbeddingIndex Read(ZipArchive archive, long fileLength)
    {
        var description = JsonSerializer.Deserialize<Description>(ReadAll(archive, Header, Math.Min(fileLength, MaxHeaderBytes)), Json)
            ?? throw new InvalidDataException($"{Header} is empty.");
        if (description.Format != Format) throw new InvalidDataException($"{Header} names the format '{description.Format}'; expected '{Format}'.");
        if (description.Version != Version)
            throw new InvalidDataException($"{Header} names version {description.Version}; this release reads version {Version}.");
        if (description.Dimension is < 1 or > EmbeddingIndex.MaxDimension || description.Count < 0)
            throw new InvalidDataException($"{Header} names {description.Count} rows of width {description.Dimension}.");

        // Before anything is reserved: sizes that the file cannot have are refused.
        var embeddings = Entry(archive, Embeddings, fileLength);
        long expected = sizeof(float) * (long)description.Dimension * description.Count;
        if (embeddings.Length != expected)
        {
            throw new InvalidDataException(
                $"{Embeddings} has {embeddings.Length} bytes; {description.Count} rows of width {description.Dimension} have {expected}.");
        }
        var keyBytes = ReadAll(archive, Keys, fileLength);
        CheckHash(Keys, SHA256.HashData(keyBytes), description.KeysSha256);
        var keys = JsonSerializer.Deserialize<string?[]>(keyBytes, Json) ?? [];
        if (keys.Length != description.Count) throw new InvalidDataException($"{Keys} has {keys.Length} keys; expected {description.Count}.");

        var index = new EmbeddingIndex(description.Dimension);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var stream = embeddings.Open();
        for (int row = 0; row < keys.Length; row++)
        {
            if (string.IsNullOrEmpty(keys[row]) || index.TryGetRow(keys[row]!, out _))
                throw new InvalidDataException($"{Keys}: key {row} is empty or there twice.");
            var slot = index.Reserve();
            var bytes = MemoryMarshal.AsBytes(slot);
            stream.ReadExactly(bytes);
            hash.AppendData(bytes);
            CheckLength(slot, row);
            index.Register(keys[row]!);
        }
        CheckHash(Embeddings, hash.GetHashAndReset(), description.EmbeddingsSha256);
        return index;
    }

    private static string Write(ZipArchive archive, string name, Action<Stream> write)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(archive.CreateEntry(name, CompressionLevel.NoCompression).Open(), hash, CryptoStreamMode.Write)) write(stream);
        return Convert.ToHexString(hash.Hash!);
    }

    private static ZipArchiveEntry Entry(ZipArchive archive, string name, long mostBytes)
    {
        var entries = archive.Entries.Where(entry => entry.FullName == name).ToArray();
        if (entries.Length != 1) throw new InvalidDataException($"It has {entries.Length} entries '{name}'; expected one.");
        if (entries[0].CompressedLength != entries[0].Length) throw new InvalidDataException($"{name} is compressed; expected it stored.");
        if (entries[0].Length > mostBytes) throw new InvalidDataException($"{name} claims {entries[0].Length} bytes; at most {mostBytes} are possible.");
        return entries[0];
    }

    private static byte[] ReadAll(ZipArchive archive, string name, long mostBytes)
    {
        var entry = Entry(archive, name, Math.Min(mostBytes, Array.MaxLength));
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void CheckHash(string name, byte[] actual, string expected)
    {
        if (!Convert.ToHexString(actual).Equals(expected, StringComparison.OrdinalIgnoreCase))
            throw new InvalidDataException($"{name} is not what was written: its SHA-256 differs from the one in {Header}.");
    }

    private static void CheckLength(ReadOnlySpan<float> row, int number)
    {
        double squares = 0;
        foreach (float value in row) squares += (double)value * value;
        if (squares != 0 && !(Math.Abs(squares - 1) <= LengthTolerance))
            throw new InvalidDataException($"{Embeddings}: row {number} is no vector of length 1.");
    }
}
