using System.Globalization;
using Microsoft.Data.Analysis;
using MLNet.Ssl.Files;
using MLNet.Ssl.ImageFiles;
using nietras.SeparatedValues;

namespace MLNet.Ssl.Cli.Input;

/// <summary>CSV and TSV files: paths of images, or a table of numbers and words.</summary>
internal static class TextTable
{
    // Words become one slot each.
    private const int MostWords = 1000;

    private const int ShownNames = 5;

    private static readonly string[] Missing = ["", "?", "NA", "N/A", "NaN", "nan", "null"];

    public static RowSource Open(DataChoice choice) => OfFile(choice, Read);

    /// <summary>Whether the first line of a file holds values where names of columns are expected.</summary>
    public static bool BeginsWithValues(string path) => OfFile(new(path), choice => HoldsValues(FirstLine(choice)));

    private static T OfFile<T>(DataChoice choice, Func<DataChoice, T> read)
    {
        try
        {
            return read(choice);
        }
        catch (Exception e) when (e
            is ArgumentException or NotSupportedException or InvalidOperationException or FormatException
            || (e is InvalidDataException && !e.Message.Contains(choice.Path, StringComparison.Ordinal)))
        {
            throw new InvalidDataException(
                $"'{choice.Path}' is no table with a header and rows as long as it: {e.Message}", e);
        }
    }

    private static RowSource Read(DataChoice choice)
    {
        using (var file = File.OpenRead(choice.Path)) GitLfsPointer.Refuse(file);
        var names = Names(choice);
        bool LooksLikePaths(string name) => Values(choice, names, name).Take(20).All(ImageFolder.IsImage);
        var columns = Columns.Of(choice, names, LooksLikePaths);
        List<string?>? labels = columns.Label is null ? null
            : [.. Values(choice, names, columns.Label).Select(NullIfMissing)];
        List<string>? keys = columns.Key is null ? null : [.. Values(choice, names, columns.Key)];
        if (columns.Image is { } image)
            return ImagePaths.Of(choice, [.. Values(choice, names, image)], keys, labels);
        var frame = new DataFrame([.. ReadColumns(choice, names, columns.Features)]);
        long rows = columns.Features.Count > 0 ? frame.Rows.Count : 0;
        return new TableSource(choice.Path, keys ?? RowSource.Numbered(rows), labels, frame);
    }

    private static List<string> Names(DataChoice choice)
    {
        var first = FirstLine(choice);
        if (first.Count == 0) throw new InvalidDataException(
            $"'{choice.Path}' has no header: its first line names the columns.");
        if (choice.Header == false)
            return [.. Enumerable.Range(1, first.Count).Select(n => n.ToString(CultureInfo.InvariantCulture))];
        if (choice.Header is null && HoldsValues(first))
            throw new InvalidDataException(
                $"'{choice.Path}' has no header, as it seems: its first line, which names the columns, is "
                + $"{string.Join(", ", first.Take(ShownNames).Select(name => $"'{name}'"))}"
                + $"{(first.Count > ShownNames ? ", …" : "")}. --header false takes it for a row, and calls the "
                + "columns 1, 2 and so on; --header true takes it for names.");
        return first;
    }

    /// <summary>Whether there is a path of an image among names, or numbers that do not count up by one, as pandas'
    /// 0, 1, 2 and years do.</summary>
    private static bool HoldsValues(IReadOnlyCollection<string> names)
    {
        double[] numbers = [.. names.Select(name => double.TryParse(
            name, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN)
            .Where(double.IsFinite)];
        return names.Any(ImageFolder.IsImage)
            || numbers.Index().Any(n => !double.IsInteger(n.Item) || n.Item != numbers[0] + n.Index);
    }

    private static List<string> FirstLine(DataChoice choice)
    {
        using var reader = Reader(choice with { Header = false });
        foreach (var row in reader)
        {
            var values = new List<string>(row.ColCount);
            for (int column = 0; column < row.ColCount; column++) values.Add(row[column].ToString());
            return values;
        }
        return [];
    }

    // A pass over the file for all numbers, and one where there are words: as many as columns would take a wide file's
    // width squared.
    private static IEnumerable<DataFrameColumn> ReadColumns(
        DataChoice choice, List<string> names, IReadOnlyList<string> features)
    {
        int[] at = [.. features.Select(name => names.IndexOf(name))];
        var numbers = Array.ConvertAll(at, _ => (List<float?>?)[]);
        var words = Array.ConvertAll(at, _ => (List<string>)[]);
        if (at.Length > 0) ForEachRow(choice, row =>
        {
            for (int i = 0; i < at.Length; i++)
                if (numbers[i] is { } column && !TryAdd(column, row[at[i]].ToString())) numbers[i] = null;
        });
        if (numbers.Contains(null)) ForEachRow(choice, row =>
        {
            for (int i = 0; i < at.Length; i++)
                if (numbers[i] is null) words[i].Add(NullIfMissing(row[at[i]].ToString()) ?? "");
        });
        for (int i = 0; i < at.Length; i++)
        {
            if (numbers[i] is { } column)
            {
                CheckFinite(choice, features[i], column);
                yield return new SingleDataFrameColumn(features[i], column);
            }
            else
            {
                CheckWords(choice, features[i], words[i]);
                yield return new StringDataFrameColumn(features[i], words[i]);
            }
        }
    }

    private static bool TryAdd(List<float?> numbers, string text)
    {
        float number = float.NaN;
        if (!Missing.Contains(text)
            && !float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number)) return false;
        numbers.Add(float.IsNaN(number) ? null : number);
        return true;
    }

    /// <summary>Refuses numbers that single precision does not hold; later a slot alone would be named.</summary>
    public static void CheckFinite(DataChoice choice, string name, IReadOnlyList<float?> numbers)
    {
        for (int row = 0; row < numbers.Count; row++)
            if (numbers[row] is { } number && float.IsInfinity(number))
                throw new InvalidDataException(
                    $"'{choice.Path}', column '{name}', row {row}: the number is infinite or beyond single precision.");
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

    private static IEnumerable<string> Values(DataChoice choice, List<string> names, string name)
    {
        int column = names.IndexOf(name);
        var values = new List<string>();
        ForEachRow(choice, row => values.Add(row[column].ToString()));
        return values;
    }

    private static void ForEachRow(DataChoice choice, Action<SepReader.Row> use)
    {
        using var reader = Reader(choice);
        foreach (var row in reader) use(row);
    }

    private static SepReader Reader(DataChoice choice) =>
        Sep.Reader(options => options with
        {
            HasHeader = choice.Header != false,
            Sep = System.IO.Path.GetExtension(choice.Path).Equals(".tsv", StringComparison.OrdinalIgnoreCase)
                ? Sep.New('\t') : options.Sep,
            Unescape = true,
            Trim = SepTrim.Outer,
        }).FromFile(choice.Path);
}
