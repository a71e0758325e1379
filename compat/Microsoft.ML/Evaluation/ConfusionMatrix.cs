using System.Globalization;
using System.Text;

namespace Microsoft.ML.Data;

/// <summary>Counts of predicted against actual classes.</summary>
public sealed class ConfusionMatrix
{
    private const int NarrowestCell = 6;

    private readonly IReadOnlyList<string> _names;

    internal ConfusionMatrix(double[][] counts, IReadOnlyList<string> names)
    {
        (Counts, _names) = (counts, names);
        PerClassPrecision = [.. counts.Select((_, c) => Ratio(counts[c][c], counts.Sum(row => row[c])))];
        PerClassRecall = [.. counts.Select((row, c) => Ratio(row[c], row.Sum()))];
    }

    /// <summary>Share of the rows predicted as a class that are of it; 0 for a class never predicted.</summary>
    public IReadOnlyList<double> PerClassPrecision { get; }

    /// <summary>Share of the rows of a class that are predicted as it; 0 for a class without rows.</summary>
    public IReadOnlyList<double> PerClassRecall { get; }

    /// <summary>Counts[actual][predicted].</summary>
    public IReadOnlyList<IReadOnlyList<double>> Counts { get; }

    public int NumberOfClasses => Counts.Count;

    public double GetCountForClassPair(int predictedClassIndicatorIndex, int actualClassIndicatorIndex) =>
        Counts[actualClassIndicatorIndex][predictedClassIndicatorIndex];

    public string GetFormattedConfusionTable()
    {
        int first = Math.Max("PREDICTED".Length, _names.Max(n => n.Length)), cell = Math.Max(NarrowestCell, _names.Max(n => n.Length));
        string rule = new string(' ', first) + " ||" + new string('=', NumberOfClasses * (cell + 2));
        string Line(string head, IEnumerable<string> cells, string last = "") =>
            head + " ||" + string.Concat(cells.Select(c => c.PadLeft(cell) + " |")) + last;

        var table = new StringBuilder("\nConfusion table\n").Append(rule).Append('\n');
        table.Append(Line("PREDICTED".PadRight(first), _names, " Recall")).Append('\n');
        table.Append("TRUTH".PadRight(first)).Append(rule.AsSpan(first)).Append('\n');
        for (int c = 0; c < NumberOfClasses; c++)
            table.Append(Line(_names[c].PadLeft(first), Counts[c].Select(v => v.ToString("N0", CultureInfo.InvariantCulture)), " " + Fixed(PerClassRecall[c])))
                .Append('\n');
        table.Append(rule).Append('\n');
        table.Append(Line("Precision".PadRight(first), PerClassPrecision.Select(Fixed))).Append('\n');
        return table.ToString();
    }

    private static string Fixed(double value) => value.ToString("F4", CultureInfo.InvariantCulture);

    private static double Ratio(double part, double whole) => whole == 0 ? 0 : part / whole;
}
