using System.CommandLine;
using Microsoft.ML;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Writes a network in another form.</summary>
internal static class ExportCommand
{
    private const string Examples = """
        Examples:
          mlssl export photos.mlssl photos.onnx              for ONNX Runtime and ML.NET's ApplyOnnxModel
          mlssl export photos.mlssl photos.safetensors       weights under their official names, for PyTorch
          mlssl export dinov2_vits14 dinov2.onnx --download
          mlssl export classifier.mlssl classifier.onnx
        """;

    public static Command Create(Session session)
    {
        var from = new Argument<string>("model")
        {
            Description = "Model (.mlssl), weights (.safetensors, .pth), or the name of a published network",
        };
        var to = new Argument<string>("output") { Description = "File .onnx, .safetensors or .mlssl" };
        var command = new TaughtCommand("export", "Write an encoder or a classifier as ONNX, safetensors or a model.",
            Examples) { from, to };
        var model = new ModelFlags(command, required: false);
        var common = new CommonFlags(command, computes: false);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            var (path, output) = (parsed.GetValue(from)!, parsed.GetValue(to)!);
            ModelOutput.Check(output);
            var context = session.Context(null);
            TorchLibrary.Require();
            if (Classifier(context, path) is { } classifier)
            {
                using (classifier) ModelOutput.Write(context, output, classifier, classifier, null);
            }
            else
            {
                using var encoder = model.Load(parsed, context, session, path);
                ModelOutput.Write(context, output, encoder.Model, encoder.Encoder, encoder.Schema);
            }
            session.Result($"wrote {output}", new { @event = "done", output });
            return ExitCode.Done;
        });
        return command;
    }

    private static ImageClassificationTransformer? Classifier(MLContext context, string path)
    {
        if (!FileKinds.IsModel(path)) return null;
        var model = context.SelfSupervised().Model.Load(path, out _);
        if ((model is IEnumerable<ITransformer> chain ? chain.LastOrDefault() : model)
            is ImageClassificationTransformer classifier) return classifier;
        (model as IDisposable)?.Dispose();
        return null;
    }
}
