using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using MLNet.Ssl.Files;

namespace MLNet.Ssl.Search;

/// <summary>
/// The file of an <see cref="EmbeddingIndex"/>, a <see cref="StoredArchive"/> of three entries: <c>embeddings.f32</c>,
/// count × dimension little-endian floats; <c>keys.json</c>, an array of strings; <c>index.json</c>, format, version,
/// dimension, count and the SHA-256 of the other two.
/// </summary>
internal static class EmbeddingIndexFile
{
    private const string Format = "MLNet.Ssl.EmbeddingIndex", Header = "index.json", Embeddings = "embeddings.f32",
        Keys = "keys.json";
    private const int Version = 1, MaxHeaderBytes = 1 << 16;

    // What a row of length 1 may be off by, in single precision.
    private const double LengthTolerance = 1e-3;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
    };

    private sealed record Description(
        string Format, int Version, int Dimension, int Count, string EmbeddingsSha256, string KeysSha256);

    public static void Write(EmbeddingIndex index, Stream file)
    {
        using var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
        var (_, embeddings) = StoredArchive.Write(archive, Embeddings, stream =>
        {
            for (int row = 0; row < index.Count; row++) stream.Write(MemoryMarshal.AsBytes(index[row]));
        });
        var (_, keys) = StoredArchive.Write(archive, Keys, stream =>
            JsonSerializer.Serialize(stream, index.Keys, Json));
        var description = new Description(Format, Version, index.Dimension, index.Count, embeddings, keys);
        StoredArchive.Write(archive, Header, stream => JsonSerializer.Serialize(stream, description, Json));
    }

    /// <param name="file">The file; it can be sought in, and stays the caller's.</param>
    /// <param name="name">What messages call it.</param>
    public static EmbeddingIndex Read(Stream file, string name)
    {
        try
        {
            using var archive = StoredArchive.Open(file);
            return Read(archive);
        }
        // What the archive and its readers say of damaged bytes.
        catch (Exception e) when (e is InvalidDataException or JsonException or EndOfStreamException
            or ArgumentException
            or NotSupportedException or OverflowException or IOException)
        {
            throw new InvalidDataException($"{name} is damaged or no embedding index: {e.Message}", e);
        }
    }

    private static EmbeddingIndex Read(StoredArchive archive)
    {
        var description = JsonSerializer.Deserialize<Description>(archive.ReadAll(Header, null, MaxHeaderBytes), Json)
            ?? throw new InvalidDataException($"{Header} is empty.");
        if (description.Format != Format)
            throw new InvalidDataException($"{Header} names the format '{description.Format}'; expected '{Format}'.");
        if (description.Version != Version)
        {
            throw new InvalidDataException(
                $"{Header} names version {description.Version}; this release reads version {Version}.");
        }
        if (description.Dimension is < 1 or > EmbeddingIndex.MaxDimension || description.Count < 0)
            throw new InvalidDataException(
                $"{Header} names {description.Count} rows of width {description.Dimension}.");

        // Before anything is reserved: sizes that the file cannot have are refused.
        long length = archive.LengthOf(Embeddings),
            expected = sizeof(float) * (long)description.Dimension * description.Count;
        if (length != expected)
        {
            throw new InvalidDataException($"{Embeddings} has {length} bytes; {description.Count} rows of width "
                + $"{description.Dimension} have {expected}.");
        }
        var keys = JsonSerializer.Deserialize<string?[]>(archive.ReadAll(Keys, description.KeysSha256), Json) ?? [];
        if (keys.Length != description.Count)
            throw new InvalidDataException($"{Keys} has {keys.Length} keys; expected {description.Count}.");

        var index = new EmbeddingIndex(description.Dimension);
        using var embeddings = archive.Read(Embeddings);
        for (int row = 0; row < keys.Length; row++)
        {
            if (string.IsNullOrEmpty(keys[row]) || index.TryGetRow(keys[row]!, out _))
                throw new InvalidDataException($"{Keys}: key {row} is empty or there twice.");
            var slot = index.Reserve();
            embeddings.ReadExactly(MemoryMarshal.AsBytes(slot));
            CheckLength(slot, row);
            index.Register(keys[row]!);
        }
        StoredArchive.CheckHash(Embeddings, embeddings, description.EmbeddingsSha256);
        return index;
    }

    private static void CheckLength(ReadOnlySpan<float> row, int number)
    {
        double squares = 0;
        foreach (float value in row) squares += (double)value * value;
        if (squares != 0 && !(Math.Abs(squares - 1) <= LengthTolerance))
            throw new InvalidDataException($"{Embeddings}: row {number} is no vector of length 1.");
    }
}
