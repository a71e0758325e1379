using System.CommandLine;
using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>The plain loop's side of the benchmark on tables, with the arguments and the
/// output of the PyTorch twin.</summary>
internal static class PlainTableSide
{
    public static Command Command()
    {
        var mode = new Argument<string>("mode");
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne };
        var width = new Option<int>("--width") { DefaultValueFactory = _ => 256 };
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 20 };
        var warmup = new Option<int>("--warmup") { DefaultValueFactory = _ => 3 };
        var threads =
            new Option<int>("--threads") { DefaultValueFactory = _ => Math.Min(2, Environment.ProcessorCount) };
        var workers = new Option<int>("--workers") { Description = "taken and not used: rows need no loader" };
        var command = new Command("plain-table-run",
            "One run of the plain TorchSharp loop on tables: step, end-to-end, embed or losses FILE.")
        {
            mode, file, width, steps, warmup, threads, workers,
        };
        command.SetAction(parsed =>
        {
            set_num_threads(parsed.GetValue(threads));
            Console.WriteLine(parsed.GetValue(mode) == "losses"
                ? JsonSerializer.Serialize(
                    FirstLosses(parsed.GetValue(file)!, parsed.GetValue(width), parsed.GetValue(threads)))
                : JsonSerializer.Serialize(
                    Measure(parsed.GetValue(mode)!, TableSide.Options(parsed.GetValue(width), parsed.GetValue(threads)),
                    parsed.GetValue(steps), parsed.GetValue(warmup))));
        });
        return command;
    }

    private static TableMeasurement Measure(string mode, MoCoOptions options, int steps, int warmup)
    {
        using var scope = NewDisposeScope();
        using var training = new PlainMoCo(options);
        using var store = TableSide.Draw();
        var table = store.Values;
        int size = mode == "embed" ? 1024 : options.BatchSize!.Value;
        var still = table.narrow(0, 0, size);
        using var batches = Shuffled(store.Count, size).GetEnumerator();
        var clock = new StepClock(0, store.Count / size, options.Epochs);
        if (mode == "embed") training.Encoder.eval();
        return TableSide.Time(steps, warmup, size, mode switch
        {
            "step" => () => Step(still),
            "end-to-end" => () =>
            {
                batches.MoveNext();
                return Step(table.index_select(0, tensor(batches.Current)));
            }
            ,
            "embed" => () =>
            {
                using var noGrad = no_grad();
                _ = training.Encoder.call(still).data<float>().ToArray();
                return null;
            }
            ,
            _ => throw new ArgumentException($"there is no mode '{mode}'; expected step, end-to-end, embed or losses"),
        });

        double? Step(Tensor rows)
        {
            double loss = training.Step([rows], clock);
            clock = clock.Next;
            return loss;
        }
    }

    /// <summary>The losses without mixing of the weights, queue and rows that the other side wrote down.</summary>
    private static Losses FirstLosses(string file, int width, int threads)
    {
        using var scope = NewDisposeScope();
        var options = TableSide.Options(width, threads, compareLosses: true);
        using var training = new PlainMoCo(options);
        var tensors = SafeTensors.Read(file);
        training.Load(tensors);
        var clock = new StepClock(0, TableSide.Rows / options.BatchSize!.Value, options.Epochs);
        return new([.. Enumerable.Range(0, tensors.Keys.Count(key => key.StartsWith("rows.", StringComparison.Ordinal)))
            .Select(i => training.Step([tensors[$"rows.{i}"]], clock with { Step = i }))]);
    }

    private static IEnumerable<long[]> Shuffled(int rows, int batch)
    {
        long[] order = [.. Enumerable.Range(0, rows)];
        while (true)
        {
            Random.Shared.Shuffle(order);
            for (int first = 0; first + batch <= rows; first += batch) yield return order[first..(first + batch)];
        }
    }
}
