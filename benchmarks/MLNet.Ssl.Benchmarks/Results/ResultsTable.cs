using System.Globalization;
using System.Text;
using Spectre.Console;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Runs what is missing of a table, each run a process of its own, and writes it down. An interrupted table
/// goes on where it stopped.</summary>
internal sealed class ResultsTable(string trainFile, string testFile, int images, int epochs, int seeds, int threads,
    string rowsFile)
{
    private static readonly string[] Columns =
        ["method", "mixing", "augmentation", "kNN", "linear", "images/s", "peak MiB"];

    public void Run(IReadOnlyList<ResultCase> cases, string reportPath)
    {
        var rows = ResultRow.Read(rowsFile);
        // Seed by seed, so that an early stop leaves a whole table.
        foreach (int seed in Enumerable.Range(1, seeds))
        {
            foreach (var wanted in cases)
            {
                if (rows.Any(r => r.IsRun(wanted.Name, epochs, images, seed))) continue;
                var row = ChildProcess.Own<ResultRow>(
                    ["result", "--case", wanted.Name, "--train", trainFile, "--test", testFile, "--images", $"{images}",
                        "--epochs", $"{epochs}", "--seed", $"{seed}", "--threads", $"{threads}"],
                    threads);
                row.Append(rowsFile);
                rows.Add(row);
                string told = $"{wanted.Name}, seed {seed}";
                AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture,
                    $"{told}: kNN {row.Knn:0.000}, linear {row.Linear:0.000} [grey]({row.Seconds:0} s)[/]");
            }
        }
        var lines = cases.Select(c => Line(c, rows)).OfType<string[]>().ToList();
        Show(lines);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(reportPath))!);
        File.WriteAllText(reportPath, Markdown(lines));
    }

    private string[]? Line(ResultCase wanted, List<ResultRow> rows)
    {
        var runs = Enumerable.Range(1, seeds).Select(seed => rows.Find(r => r.IsRun(wanted.Name, epochs, images, seed)))
            .OfType<ResultRow>().ToList();
        return runs.Count == 0 ? null :
        [
            wanted.Method, wanted.Mixing, wanted.Augmented ? "yes" : "no",
            Spread(runs.Select(r => r.Knn)), Spread(runs.Select(r => r.Linear)),
            wanted.Method == "untrained" ? "–"
                : Text(runs.Average(r => r.ImagesPerSecond), "0"), Text(runs.Max(r => r.PeakMib), "0"),
        ];
    }

    private void Show(List<string[]> lines)
    {
        var table = new Table().AddColumns(Columns).Border(TableBorder.Rounded);
        foreach (string[] line in lines) table.AddRow(line);
        AnsiConsole.Write(table);
    }

    private string Markdown(List<string[]> lines)
    {
        var text = new StringBuilder();
        text.AppendLine(FormattableString.Invariant($"CIFAR-10, {images:N0} training images, {epochs} ")
            + FormattableString.Invariant($"epoch{(epochs == 1 ? "" : "s")}, ")
            + FormattableString.Invariant($"{seeds} seed{(seeds == 1 ? "" : "s: mean ± standard deviation")}, ")
            + FormattableString.Invariant($"{threads} thread{(threads == 1 ? "" : "s")}."));
        text.AppendLine().AppendLine($"| {string.Join(" | ", Columns)} |")
            .AppendLine($"|{string.Concat(Columns.Select(_ => "---|"))}");
        foreach (string[] line in lines) text.AppendLine($"| {string.Join(" | ", line)} |");
        return text.ToString();
    }

    private static string Spread(IEnumerable<double> values)
    {
        double[] all = [.. values];
        double mean = all.Average();
        return all.Length == 1 ? Text(mean, "0.000") : $"{Text(mean, "0.000")} ± "
            + $"{Text(Math.Sqrt(all.Sum(v => (v - mean) * (v - mean)) / (all.Length - 1)), "0.000")}";
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
