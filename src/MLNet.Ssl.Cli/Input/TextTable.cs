using System.Globalization;
using Microsoft.Data.Analysis;
using MLNet.Ssl.Files;
using MLNet.Ssl.ImageFiles;
using nietras.SeparatedValues;

namespace MLNet.Ssl.Cli.Input;

/// <summary>CSV and TSV files with a head: paths of images, or a table of numbers and words.</summary>
internal static class TextTable
{
    // Words become one slot each.
    private const int MostWords = 1000;

    private static readonly string[] Missing = ["", "?", "NA", "N/A", "NaN", "nan", "null"];

    public static RowSource Open(DataChoice choice)
    {
        try
        {
            return Read(choice);
        }
        catch (Exception e) when (e
            is ArgumentException or NotSupportedException or InvalidOperationException or FormatException
            || (e is InvalidDataException && !e.Message.Contains(choice.Path, StringComparison.Ordinal)))
        {
            throw new InvalidDataException(
                $"'{choice.Path}' is no table with a head and rows as long as it: {e.Message}", e);
        }
    }

    private static RowSource Read(DataChoice choice)
    {
        using (var file = File.OpenRead(choice.Path)) GitLfsPointer.Refuse(file);
        List<string> names, keys = [];
        using (var reader = Reader(choice.Path)) names = [.. reader.Header.ColNames];
        if (names.Count == 0) throw new InvalidDataException(
            $"'{choice.Path}' has no head: its first line names the columns.");
        bool LooksLikePaths(string name) => Values(choice.Path, names, name).Take(20).All(ImageFolder.IsImage);
        var columns = Columns.Of(choice, names, LooksLikePaths);
        List<string?>? labels = columns.Label is null ? null
            : [.. Values(choice.Path, names, columns.Label).Select(NullIfMissing)];
        if (columns.Image is { } image)
        {
            string root = choice.Root ?? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(choice.Path))!;
            List<string> paths = [.. Values(choice.Path, names, image)];
            return new ImagePaths(choice.Path, columns.Key is null ? paths
                : [.. Values(choice.Path, names, columns.Key)], labels,
                [.. paths.Select(path => System.IO.Path.Combine(root, path))]);
        }
        var frame = new DataFrame([.. columns.Features.Select(name => ReadColumn(choice, names, name))]);
        long rows = columns.Features.Count > 0 ? frame.Rows.Count : 0;
        keys = columns.Key is null ? [.. Enumerable.Range(0, (int)rows)
            .Select(row => row.ToString(CultureInfo.InvariantCulture))]
            : [.. Values(choice.Path, names, columns.Key)];
        return new TableSource(choice.Path, keys, labels, frame);
    }

    private static DataFrameColumn ReadColumn(DataChoice choice, List<string> names, string name)
    {
        var numbers = new List<float?>();
        foreach (string text in Values(choice.Path, names, name))
        {
            if (Missing.Contains(text)) numbers.Add(null);
            else if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture,
                out float number)) numbers.Add(number);
            else return Words(choice, names, name);
        }
        return new SingleDataFrameColumn(name, numbers);
    }

    private static StringDataFrameColumn Words(DataChoice choice, List<string> names, string name)
    {
        var words = Values(choice.Path, names, name).Select(word => NullIfMissing(word) ?? "").ToList();
        CheckWords(choice, name, words);
        return new(name, words);
    }

    /// <summary>Refuses text that is no category.</summary>
    public static void CheckWords(DataChoice choice, string name, IReadOnlyCollection<string> words)
    {
        int different = words.Distinct().Count();
        if (different > MostWords)
            throw new InvalidDataException(
                $"'{choice.Path}', column '{name}' is text of {different} different values, such as "
                + $"'{words.First(word => word.Length > 0)}'; at most {MostWords} are taken as categories. Name the "
                + $"columns to learn from with --columns.");
    }

    private static string? NullIfMissing(string text) => Missing.Contains(text) ? null : text;

    private static IEnumerable<string> Values(string path, List<string> names, string name)
    {
        int column = names.IndexOf(name);
        using var reader = Reader(path);
        var values = new List<string>();
        foreach (var row in reader) values.Add(row[column].ToString());
        return values;
    }

    private static SepReader Reader(string path) =>
        Sep.Reader(options => options with
        {
            Sep = System.IO.Path.GetExtension(path).Equals(".tsv", StringComparison.OrdinalIgnoreCase) ? Sep.New('\t')
                : options.Sep,
            Unescape = true,
            Trim = SepTrim.Outer,
        }).FromFile(path);
}
