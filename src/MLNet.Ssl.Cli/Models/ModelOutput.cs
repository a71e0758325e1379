using Microsoft.ML;
using MLNet.Ssl.Cli.Arguments;

namespace MLNet.Ssl.Cli.Models;

/// <summary>Files that a trained network goes to, by their ending.</summary>
internal static class ModelOutput
{
    private const string Endings = ".mlssl (model), .safetensors (weights) or .onnx";

    /// <summary>Refuses a file that could not be written, before anything takes time.</summary>
    /// <exception cref="UsageException">The ending is none of those, or there is no such folder.</exception>
    public static void Check(string path, bool classifier = false)
    {
        if (Directory.Exists(path)) throw new UsageException(
            $"'{path}' is a folder; expected a file that ends in {Endings}.");
        string ending = Path.GetExtension(path).ToLowerInvariant();
        if (ending is not (".mlssl" or ".zip" or ".onnx") && (classifier || ending != ".safetensors"))
            throw new UsageException(
                $"'{path}' ends in '{ending}'; expected {(classifier ? ".mlssl (model) or .onnx" : Endings)}.");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder)) throw new UsageException(
            $"'{path}' cannot be written: there is no folder '{folder}'.");
    }

    /// <summary>Writes the file; of several processes the first one does.</summary>
    /// <param name="model">All of the chain.</param>
    /// <param name="last">Its end: an encoder or a classifier.</param>
    public static void Write(MLContext context, string path, ITransformer model, ITransformer last,
        DataViewSchema? schema)
    {
        if (World.Rank > 0) return;
        switch (Path.GetExtension(path).ToLowerInvariant(), last)
        {
            case (".mlssl" or ".zip", _): context.SelfSupervised().Model.Save(model, schema, path); break;
            case (".onnx", EmbeddingTransformer encoder): encoder.ExportOnnx(path); break;
            case (".onnx", ImageClassificationTransformer classifier): classifier.ExportOnnx(path); break;
            case (_, EmbeddingTransformer encoder): encoder.SaveSafeTensors(path); break;
            default:
                throw new UsageException(
                $"A {last.GetType().Name} cannot be written as '{path}'; expected a file .mlssl or .onnx.");
        }
    }
}
