using System.IO.Compression;
using MLNet.Ssl.Cli.Embeddings;

namespace MLNet.Ssl.Cli.Models;

/// <summary>What a file is, by its content.</summary>
internal static class FileKinds
{
    /// <summary>Whether it is a model of this library, which <c>ssl.Model.Save</c> wrote.</summary>
    public static bool IsModel(string path) => Entries(path).Contains("model.json");

    /// <summary>Whether it is an embedding index.</summary>
    public static bool IsIndex(string path) => Entries(path).Contains("index.json");

    /// <summary>Whether it is a Parquet file.</summary>
    public static bool IsParquet(string path) => StartsWith(path, ParquetTable.Magic);

    private static IReadOnlyList<string> Entries(string path)
    {
        // A PyTorch file is a zip archive too.
        if (!File.Exists(path) || !StartsWith(path, "PK"u8)) return [];
        try
        {
            using var archive = ZipFile.OpenRead(path);
            return [.. archive.Entries.Take(4096).Select(entry => entry.FullName)];
        }
        catch (InvalidDataException)
        {
            return [];
        }
    }

    private static bool StartsWith(string path, ReadOnlySpan<byte> start)
    {
        if (!File.Exists(path)) return false;
        using var file = File.OpenRead(path);
        Span<byte> read = stackalloc byte[start.Length];
        return file.ReadAtLeast(read, read.Length, throwOnEndOfStream: false) == read.Length
            && read.SequenceEqual(start);
    }
}
