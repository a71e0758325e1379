using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Benchmarks.Tables;

/// <summary>What a large table costs in memory beside what a small one does: a text file of it is written, read by a
/// pipeline and trained on, until the first report.</summary>
internal sealed class TableMemory(int rows, int columns)
{
    /// <summary>The subcommand <c>table-memory</c>.</summary>
    public static Command Command()
    {
        var rows =
            new Option<int>("--rows") { Description = "rows of the table", DefaultValueFactory = _ => 1_000_000 };
        var columns = new Option<int>("--columns") { Description = "its columns", DefaultValueFactory = _ => 54 };
        var command = new Command("table-memory",
            "Peak memory of training on a table from a text file, in sizes of the table.") { rows, columns };
        command.SetAction(parsed => new TableMemory(parsed.GetValue(rows), parsed.GetValue(columns)).Run());
        return command;
    }

    // Libraries, the network and a step of training take memory too.
    private const int FewRows = 10_000;

    public int Run()
    {
        string path = Path.GetTempFileName();
        try
        {
            Write(path, FewRows);
            var (before, _) = Train(path);
            Write(path, rows);
            var (peak, seconds) = Train(path);
            double table = (double)rows * columns * sizeof(float) / (1 << 20);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{rows:N0} rows of {columns}: {table:N0} MiB; at the peak {peak:N0} MiB, {before:N0} MiB of them with "
                + $"{FewRows:N0} rows: {(peak - before) / table:0.00} tables; first report after {seconds:0} s"));
            return 0;
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The peak in MiB and the seconds until the first report of training.</summary>
    private (double Peak, double Seconds) Train(string path)
    {
        var ml = new MLContext(1);
        using var stop = new CancellationTokenSource();
        var clock = Stopwatch.StartNew();
        double seconds = 0;
        var options = new MaskedReconstructionOptions
        {
            Seed = 1,
            CancellationToken = stop.Token,
            Progress = new Collect(_ =>
            {
                if (seconds == 0) seconds = clock.Elapsed.TotalSeconds;
                stop.Cancel();
            }),
        };
        var data = ml.Data.LoadFromTextFile(path, [new("Features", DataKind.Single, 0, columns - 1)], ',');
        try
        {
            using var encoder = ml.SelfSupervised().Pretrain("Embedding", "Features", options).Fit(data);
        }
        catch (OperationCanceledException)
        {
            // As planned.
        }
        return (ChildProcess.PeakMemory(), seconds);
    }

    private void Write(string path, int rows)
    {
        var random = new Random(1);
        string[] numbers = [.. Enumerable.Range(0, 4096)
            .Select(_ => random.NextDouble().ToString("0.###", CultureInfo.InvariantCulture))];
        using var writer = new StreamWriter(path);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                if (column > 0) writer.Write(',');
                writer.Write(column < 10 ? numbers[random.Next(numbers.Length)] : random.Next(8) == 0 ? "1" : "0");
            }
            writer.WriteLine();
        }
    }
}
