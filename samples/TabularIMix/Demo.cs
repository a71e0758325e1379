using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MLNet.Ssl;
using Spectre.Console;

namespace TabularIMix;

/// <summary>
/// The demonstration: pretrain on all rows without their labels, by MoCo with i-Mix and by masked reconstruction, then
/// classify with the labels of 1 %, 10 % and 100 % of them.
/// </summary>
internal static class Demo
{
    private static readonly double[] Shares = [0.01, 0.1, 1];

    public static int Run(string? named, int? epochs, int testRows, bool paper, int seed)
    {
        var ml = new MLContext(seed) { GpuDeviceId = paper ? 0 : null, FallbackToCpu = true };
        var warned = new HashSet<string>();
        ml.Log += (_, line) =>
        {
            // Every fit says anew what it found in the data.
            if (line.Kind == ChannelMessageKind.Warning && warned.Add(line.RawMessage))
                AnsiConsole.MarkupLineInterpolated($"[yellow]{line.RawMessage}[/]");
        };
        CovType file;
        try
        {
            file = CovType.Open(named, note => AnsiConsole.MarkupLineInterpolated($"[grey]{note}[/]"));
        }
        catch (IOException error)
        {
            AnsiConsole.MarkupLineInterpolated($"[red]{error.Message}[/]");
            return 1;
        }
        using var _ = file;
        var rows = ml.Data.LoadFromTextFile(
            file.Path, [new("Continuous", DataKind.Single, 0, 9), new("Indicators", DataKind.Single, 10, 53),
            new("Label", DataKind.String, 54)], ',');
        var prepare = ml.Transforms.ReplaceMissingValues("Continuous")
            .Append(ml.Transforms.NormalizeMeanVariance("Continuous", fixZero: false))
            .Append(ml.Transforms.Concatenate("Features", "Continuous", "Indicators"))
            .Append(ml.Transforms.Conversion.MapValueToKey("Label"))
            .Append(ml.Transforms.SelectColumns("Features", "Label"));
        var unprepared = ml.Data.TakeRows(rows, CovType.TrainRows);
        var prepared = prepare.Fit(unprepared);
        var train = ml.Data.Cache(prepared.Transform(unprepared));
        var test = ml.Data.Cache(ml.Data.TakeRows(
            prepared.Transform(ml.Data.SkipRows(rows, CovType.TrainRows)), testRows));

        // The published settings; the network is an eighth of the published one unless asked for, and its slow copy
        // follows faster in a shorter run.
        var options = paper ? Presets.CovTypeMoCoIMix : Presets.CovTypeMoCoIMix with
        {
            Backbone = TabularMlpOptions.CovType with { HiddenWidths = [256, 256, 512, 512], OutputWidth = 1024 },
            Epochs = 60,
            KeyMomentum = 0.99,
        };
        options = options with { Epochs = epochs ?? options.Epochs, Seed = seed };
        AnsiConsole.MarkupLineInterpolated(
            $"{CovType.TrainRows:N0} unlabelled rows, {options.Epochs} epochs of each method\n");
        ITransformer Fit(PretrainOptions o) => ml.SelfSupervised().Pretrain("Embedding", "Features", o).Fit(train);

        var table = new Table().Title("Accuracy on test rows, by share of the labels")
            .AddColumn(new TableColumn("").NoWrap())
            .AddColumns([.. Shares.Select(s => $"linear {s:0 %}"), .. Shares.Select(s => $"kNN {s:0 %}")]);
        void Evaluate(string name, ITransformer? encoder)
        {
            string column = encoder is null ? "Features" : "Embedding";
            IDataView Embed(IDataView data) => encoder is null ? data : ml.Data.Cache(encoder.Transform(data));
            var (known, unknown) = (Embed(train), Embed(test));
            double Accuracy(double share, IEstimator<ITransformer> classifier)
            {
                var labelled = share == 1 ? known : ml.Data.TrainTestSplit(known, share, seed: seed).TestSet;
                return ml.MulticlassClassification.Evaluate(classifier.Fit(labelled).Transform(unknown)).MicroAccuracy;
            }
            var trainers = ml.MulticlassClassification.Trainers;
            var linear = ml.Transforms.NormalizeMeanVariance(column, fixZero: false)
                .Append(trainers.LbfgsMaximumEntropy("Label", column, l1Regularization: 0, l2Regularization: 1));
            var knn = trainers.NearestNeighbors("Label", column);
            table.AddRow([name, .. Shares.Select(s => $"{Accuracy(s, linear):0.000}"),
                .. Shares.Select(s => $"{Accuracy(s, knn):0.000}")]);
        }

        void Pretrain(string name, PretrainOptions o)
        {
            var clock = Stopwatch.StartNew();
            var encoder = Fit(o with { Progress = new ConsoleProgress() });
            AnsiConsole.MarkupLineInterpolated($"[grey]{name}: pretrained in {clock.Elapsed:mm\\:ss}[/]\n");
            Evaluate(name, encoder);
        }

        Evaluate("raw features", null);
        Evaluate("untrained encoder", Fit(options with { Epochs = 0 }));
        Pretrain("MoCo with i-Mix", options);
        // What ssl.Pretrain takes for tables where no options are given.
        Pretrain("masked reconstruction", new MaskedReconstructionOptions { Epochs = options.Epochs, Seed = seed });
        AnsiConsole.Write(table);
        return 0;
    }
}
