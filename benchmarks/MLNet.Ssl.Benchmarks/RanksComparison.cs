using System.CommandLine;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Training speed of several processes of one thread each and of one process with as many threads, by
/// turns: the same batches.</summary>
internal static class RanksComparison
{
    public static Command Command(Option<string[]> cases, Option<int> runs, Option<double> seconds,
        Option<string?> data)
    {
        var ranks = new Option<int>("--ranks")
        {
            Description =
            "processes, and threads of the one that they are compared with",
            DefaultValueFactory = _ => 2
        };
        var launcher =
            new Option<string>("--launcher") { Description = "what starts them", DefaultValueFactory = _ => "mpirun" };
        var command =
            new Command("ranks", "Images per second of several processes through MPI, against one process.") { cases,
                runs, seconds, ranks, launcher, data };
        command.SetAction(parsed =>
        {
            int count = parsed.GetValue(ranks);
            foreach (string name in parsed.GetValue(cases)!)
            {
                string[] Arguments(int steps, int threads) =>
                    ["run", "end-to-end", "--case", name, "--steps", $"{steps}", "--threads", $"{threads}",
                        .. parsed.GetValue(data) is { } file ? new[] { "--data", file } : []];
                Measurement One(int steps) => ChildProcess.Own<Measurement>(Arguments(steps, count), count);
                Measurement Several(int steps) =>
                    ChildProcess.Run<Measurement>(parsed.GetValue(launcher)!,
                        ["-n", $"{count}", Environment.ProcessPath!, .. Arguments(steps, 1)], 1);
                int steps =
                    Math.Max(5, (int)(One(5).images_per_second * parsed.GetValue(seconds) / BenchmarkCase.Batch));
                var pairs = Enumerable.Range(0, parsed.GetValue(runs)).Select(_ =>
                    (One: One(steps).images_per_second, Several: Several(steps).images_per_second)).ToList();
                double ratio = pairs.Select(pair => pair.Several / pair.One).Order().ElementAt(pairs.Count / 2);
                Console.WriteLine(FormattableString.Invariant($"{name}: {ratio:0.00} = the median of ")
                    + string.Join(", ", pairs.Select(pair => FormattableString.Invariant(
                        $"{pair.Several:0.0}/{pair.One:0.0}"))) + $" images/s, {count} ranks/{count} threads");
            }
        });
        return command;
    }
}
