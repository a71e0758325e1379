using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MLNet.Ssl.Cli.Input;

/// <summary>Rows of data: images or a table.</summary>
/// <param name="Path">Where they come from.</param>
/// <param name="Keys">What tells them apart, such as the path of an image in its folder.</param>
/// <param name="Labels">Their labels; null where none has one.</param>
internal abstract record RowSource(string Path, IReadOnlyList<string> Keys, IReadOnlyList<string?>? Labels)
{
    public int Count => Keys.Count;

    /// <summary>A hash of all keys in their order.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string key in Keys) hash.AppendData(Encoding.UTF8.GetBytes(key + '\0'));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The labels, where every command needs them.</summary>
    /// <exception cref="InvalidDataException">There are none.</exception>
    public IReadOnlyList<string?> RequireLabels() => Labels ?? throw new InvalidDataException(
        $"'{Path}' has no labels: expected a subfolder for each class, or a column that --label names.");

    /// <summary>Keys of rows that have none: their numbers.</summary>
    public static List<string> Numbered(long rows) =>
        [.. Enumerable.Range(0, (int)rows).Select(row => row.ToString(CultureInfo.InvariantCulture))];

    /// <summary>Opens what a command line names.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    /// <exception cref="InvalidDataException">It has no rows, or lacks a column; the message says which.</exception>
    public static RowSource Open(DataChoice choice)
    {
        if (Directory.Exists(choice.Path)) return FolderRows.Open(choice);
        if (!File.Exists(choice.Path)) throw new FileNotFoundException($"There is no file or folder '{choice.Path}'.");
        RowSource source = System.IO.Path.GetExtension(choice.Path).ToLowerInvariant() switch
        {
            ".csv" or ".tsv" or ".txt" => TextTable.Open(choice),
            ".parquet" => ParquetRows.Open(choice),
            var other => throw new InvalidDataException(
                $"'{choice.Path}' ends in '{other}'; expected a folder of images, or a file .csv, .tsv or .parquet."),
        };
        return source.Count > 0 ? source : throw new InvalidDataException($"'{choice.Path}' has no rows.");
    }
}

/// <summary>Rows of numbers and words.</summary>
/// <param name="Frame">The columns that are learned from: of Single or text.</param>
internal sealed record TableSource(string Path, IReadOnlyList<string> Keys, IReadOnlyList<string?>? Labels,
    Microsoft.Data.Analysis.DataFrame Frame) : RowSource(Path, Keys, Labels);
