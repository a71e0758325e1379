using System.Globalization;

namespace MLNet.Ssl.Benchmarks.Tables;

/// <summary>A table with classes: rows to learn from, of which few have their class used, further
/// rows without, and test rows.</summary>
internal sealed record TableData(string Name, float[][] Train, int[] TrainLabels, float[][] Unlabelled, float[][] Test,
    int[] TestLabels)
{
    public int Columns => Train[0].Length;

    public int Classes => 1 + Math.Max(TrainLabels.Max(), TestLabels.Max());

    /// <summary>The rows that pretraining sees.</summary>
    public float[][] Pool => [.. Train, .. Unlabelled];

    /// <summary>Reads a data set from below the folder.</summary>
    /// <param name="name">covtype or adult.</param>
    /// <param name="folder">Folder of data sets.</param>
    /// <param name="testRows">Test rows, at most.</param>
    /// <param name="unlabelled">Further rows without classes, at most; CovType alone has them.</param>
    public static TableData Read(string name, string folder, int testRows, int unlabelled) => name switch
    {
        "covtype" => CovType(folder, testRows, unlabelled),
        "adult" => Adult(Path.Combine(folder, "adult", "adult.data"), testRows),
        _ => throw new ArgumentException($"There is no data set '{name}'; expected covtype or adult."),
    };

    /// <summary>So many of the training rows at most, of every class the same share.</summary>
    public TableData Part(int trainRows)
    {
        if (trainRows >= Train.Length) return this;
        int[] rows = Draw((double)trainRows / Train.Length, 0);
        return this with
        {
            Train = [.. rows.Select(i => Train[i])],
            TrainLabels = [.. rows.Select(i => TrainLabels[i])],
        };
    }

    /// <summary>The labelled rows of a draw: of every class the same share, and one at least.</summary>
    public int[] Draw(double share, int seed)
    {
        if (share >= 1) return [.. Enumerable.Range(0, Train.Length)];
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Train.Length).GroupBy(i => TrainLabels[i]).OrderBy(g => g.Key).SelectMany(g =>
        {
            int[] rows = [.. g];
            random.Shuffle(rows);
            return rows.Take(Math.Max(1, (int)Math.Round(share * rows.Length)));
        })];
    }

    private static TableData CovType(string folder, int testRows, int unlabelled)
    {
        string path = new[] { "covtype.data.gz", "covtype.data" }.SelectMany(
            file => new[] { Path.Combine(folder, "covtype", file), Path.Combine(folder, file) }).First(File.Exists);
        var (train, rest) = CovTypeFile.Read(path, int.MaxValue);
        var test = rest.Take(testRows).ToArray();
        static float[][] Features(IEnumerable<CovTypeRow> rows) => [.. rows.Select(r => r.Features)];
        static int[] Labels(IEnumerable<CovTypeRow> rows) => [.. rows.Select(r => r.Label - 1)];
        return new("covtype", Features(train), Labels(train), Features(rest.Skip(testRows).Take(unlabelled)),
            Features(test), Labels(test));
    }

    /// <summary>
    /// UCI Adult (CC BY 4.0): six continuous values and eight categories a line, missing ones as "?", which are a kind
    /// of their own; the last third is for tests.
    /// </summary>
    private static TableData Adult(string path, int testRows)
    {
        int[] continuous = [0, 2, 4, 10, 11, 12], categories = [1, 3, 5, 6, 7, 8, 9, 13];
        string[][] lines = [.. File.ReadLines(path).Select(line => line.Split(',', StringSplitOptions.TrimEntries))
            .Where(values => values.Length == 15 && int.TryParse(values[0], out _))];
        var kinds = categories.Select(c =>
            lines.Select(line => line[c]).Distinct().Order(StringComparer.Ordinal).ToArray()).ToArray();
        float[][] rows =
            [.. lines.Select(line => continuous.Select(c => float.Parse(line[c], CultureInfo.InvariantCulture))
            .Concat(categories.SelectMany((c, i) => kinds[i].Select(kind => kind == line[c] ? 1f : 0f))).ToArray())];
        int[] labels = [.. lines.Select(line => line[14].StartsWith('>') ? 1 : 0)];
        var order = Enumerable.Range(0, rows.Length).ToArray();
        new Random(1).Shuffle(order);
        int train = rows.Length * 2 / 3;
        T[] Take<T>(T[] of, int first, int end) => [.. order[first..end].Select(i => of[i])];
        int end = Math.Min(rows.Length, train + testRows);
        return new("adult", Take(rows, 0, train), Take(labels, 0, train), [], Take(rows, train, end),
            Take(labels, train, end));
    }
}
