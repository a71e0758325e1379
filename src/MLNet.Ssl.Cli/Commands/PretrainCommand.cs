using System.CommandLine;
using System.Globalization;
using Microsoft.Data.Analysis;
using Microsoft.ML;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Learns an encoder from rows without labels.</summary>
internal sealed class PretrainCommand
{
    private const string Examples = """
        Examples:
          mlssl pretrain photos --output photos.mlssl
          mlssl pretrain photos --method dino --epochs 300 --backbone vision-transformer --backbone.patch-size 8
          mlssl pretrain photos --preset MoCoV2ImageNet --batch-size 128
          mlssl pretrain photos --options run.json --seed 7        {"method": "dino", "backbone": {"kind": "resnet"}}
          mlssl pretrain list.csv --image path --image-root photos
          mlssl pretrain table.parquet --columns age,income,city   masked reconstruction, where no method is named
          mpirun -n 4 mlssl pretrain photos                        every process starts the same command

        The flags above are the method's; '--method dino --help' shows DINO's. A flag stands over the file, the file
        over the preset. --LearningRate and --learning-rate are the same; "auto" leaves a value to the library, which
        says what it chose and why. Ctrl-C and SIGTERM save a checkpoint: the same command with --resume goes on, to the
        very weights of a run that was never stopped. Checkpoints stand beside the output (photos.run), and are gone
        when it is written; with --checkpoint-folder they stay.
        """;

    private readonly Session _session;
    private readonly IReadOnlyList<string> _arguments;
    private readonly MethodChoice _method;
    private readonly OptionFlags _flags;
    private readonly DataFlags _data = new();
    private readonly CommonFlags _common;
    private readonly TrainingJob _job;
    private readonly TaughtCommand _command;
    private readonly Argument<string> _path = new("data")
    {
        Description = "Folder of images, or a file .csv, .tsv or .parquet",
    };
    private readonly Option<string> _output = Flags.Output("file",
        "File of the encoder: .mlssl (model with all its steps), .safetensors (weights) or .onnx", "model.mlssl");
    private readonly Option<string?> _evaluationTrain = Flags.Of<string?>("--evaluation-train", "data",
        "Labelled data that a kNN remembers while the run is measured; the labels do not reach the training");
    private readonly Option<string?> _evaluationTest = Flags.Of<string?>("--evaluation-test", "data",
        "Labelled data that it classifies");

    private PretrainCommand(Session session, IReadOnlyList<string> arguments)
    {
        (_session, _arguments) = (session, arguments);
        _method = arguments.FirstOrDefault() == "pretrain" ? MethodChoice.Of(arguments)
            : new(typeof(SimClrOptions), null, null, true);
        _flags = new(_method.Type, "", nameof(PretrainOptions.Evaluation));
        _command = new("pretrain", "Learn an encoder from images or rows of a table, without labels.", Examples)
        {
            _path,
            _output,
            // What these say is known before the line is parsed: it decides what flags there are.
            new Option<string?>("--method")
            {
                Description = $"{string.Join(", ", OptionTypes.Methods.Keys)} [{_method.Name}]",
                HelpName = "name",
            },
            new Option<string?>("--preset")
            {
                Description = "Published settings to start from: "
                    + string.Join(", ", OptionTypes.Named(typeof(PretrainOptions)).Keys),
                HelpName = "name",
            },
            new Option<string?>("--options")
            {
                Description = "JSON file of options by their names, with \"method\" or \"preset\" beside them",
                HelpName = "file",
            },
        };
        _data.AddTo(_command);
        _command.Add(_evaluationTrain);
        _command.Add(_evaluationTest);
        _job = new(_command, session);
        _common = new(_command, computes: true);
        _flags.AddTo(_command);
        _command.SetAction(Run);
    }

    public static Command Create(Session session, IReadOnlyList<string> arguments) =>
        new PretrainCommand(session, arguments)._command;

    private int Run(ParseResult parsed)
    {
        _common.Apply(parsed, _session);
        string output = parsed.GetValue(_output)!;
        ModelOutput.Check(output);
        var source = RowSource.Open(_data.Choice(parsed, parsed.GetValue(_path)!));
        if (_method.IsDefault && source is TableSource) return AgainForTables();
        var options = (PretrainOptions)_flags.Create(parsed, _method.Preset, _method.File);
        var context = _common.Context(parsed, _session);
        TorchLibrary.Require();
        _job.Run(parsed, options, output, TrainingJob.GoOn(_arguments),
            told => Train(parsed, context, source, told, output),
            (report, page, result) => Report(context, report, page, result));
        return ExitCode.Done;
    }

    // As the library does without options; the flags are another method's, so the line is read again.
    private int AgainForTables() => CommandLine.Run(
        [_arguments[0], "--method", Names.Plain(Names.OfRecord(typeof(MaskedReconstructionOptions))),
            .. _arguments.Skip(1)], _session.Output, _session.Error, _session.Token);

    private Trained Train(ParseResult parsed, MLContext context, RowSource source, PretrainOptions options,
        string output)
    {
        _session.Say(string.Create(CultureInfo.InvariantCulture,
            $"{options.MethodName} on {source.Count:N0} {Rows(source)} of {source.Path}"));
        var ssl = context.SelfSupervised();
        var view = View(context, source);
        string input = source is ImageSource ? ImageRow.Column : TableChain.Features;
        var pretraining = ssl.Pretrain(ImageRow.Embedding, input, options);
        if (source is ImageSource)
        {
            var encoder = WithEvaluation(parsed, context, pretraining, rows => rows).Fit(view);
            ModelOutput.Write(context, output, encoder, encoder, view.Schema);
            return new(source, view, encoder);
        }
        var table = (TableSource)source;
        IDataView frame = table.Frame;
        var steps = TableChain.Of(context, table).Fit(frame);
        var fitted = WithEvaluation(parsed, context, pretraining, steps.Transform).Fit(steps.Transform(frame));
        ModelOutput.Write(context, output, steps.Append(fitted), fitted, frame.Schema);
        return new(source, steps.Transform(view), fitted);
    }

    private PretrainingEstimator WithEvaluation(ParseResult parsed, MLContext context, PretrainingEstimator pretraining,
        Func<IDataView, IDataView> steps)
    {
        var (train, test) = (parsed.GetValue(_evaluationTrain), parsed.GetValue(_evaluationTest));
        if (train is null != test is null) throw new UsageException(
            "--evaluation-train and --evaluation-test go together; one of them is missing.");
        if (train is null) return pretraining;
        var (seen, unseen) = (Labelled(train), Labelled(test!));
        var labels = context.Transforms.Conversion.MapValueToKey(ImageRow.LabelColumn).Fit(seen);
        return pretraining.WithEvaluation(steps(labels.Transform(seen)), steps(labels.Transform(unseen)),
            ImageRow.LabelColumn, _flags.Number(parsed, "Evaluation.EveryEpochs") ?? 1,
            _flags.Number(parsed, "Evaluation.NumberOfNeighbors") ?? 20,
            _flags.Text(parsed, "Evaluation.BestEncoderPath"), _flags.Number(parsed, "Evaluation.Patience"),
            _flags.Text(parsed, "Evaluation.ReturnBest") is { } best && best != "false");

        IDataView Labelled(string path)
        {
            var source = RowSource.Open(_data.Choice(parsed, path));
            _ = source.RequireLabels();
            return View(context, source);
        }
    }

    private static IDataView View(MLContext context, RowSource source) =>
        source is ImageSource images ? images.View(context) : WithLabels((TableSource)source);

    private static IDataView WithLabels(TableSource source)
    {
        if (source.Labels is null || source.Frame.Columns.Any(column =>
            column.Name == ImageRow.LabelColumn)) return source.Frame;
        return new DataFrame([.. source.Frame.Columns,
            new StringDataFrameColumn(ImageRow.LabelColumn, source.Labels.Select(label => label ?? ""))]);
    }

    private void Report(MLContext context, PretrainReport report, string page, Trained result)
    {
        var (view, label) = (result.View, (string?)null);
        if (result.Source.Labels is not null)
        {
            view = context.Transforms.Conversion.MapValueToKey(ImageRow.LabelColumn).Fit(view).Transform(view);
            label = ImageRow.LabelColumn;
        }
        report.Write(page, result.Encoder, view, label, cancellationToken: _session.Token);
    }

    private static string Rows(RowSource source) => source is ImageSource ? "images" : "rows";

    /// <summary>A trained encoder, with the rows that its report shows.</summary>
    private sealed record Trained(RowSource Source, IDataView View, EmbeddingTransformer Encoder) : IDisposable
    {
        public void Dispose() => Encoder.Dispose();
    }
}
