using Microsoft.ML;
using static TorchSharp.torch;

namespace MLNet.Ssl.ModelFiles;

/// <summary>A <see cref="LinearProbeTransformer"/>.</summary>
/// <param name="Columns">Its columns.</param>
/// <param name="Sweep">What every learning rate came to.</param>
/// <param name="Chosen">The one whose weights these are.</param>
/// <param name="Classes">The classes' names or values; null where the label had none.</param>
/// <param name="Weights">The entry with weight (C,D) and bias (C): a safetensors file.</param>
internal sealed record LinearProbePart(
    ClassifierColumns Columns, IReadOnlyList<LinearProbeAccuracy> Sweep, LinearProbeAccuracy Chosen, KeyNames? Classes,
        string Weights) : SavedPart
{
    private const string Weight = "weight", Bias = "bias";

    public static LinearProbePart Of(LinearProbeTransformer transformer, ModelWriter file)
    {
        var probe = (LinearProbe)transformer.Classifier;
        return new(ClassifierColumns.Of(transformer.Options), probe.Sweep, probe.Chosen, KeyNames.Of(transformer.Label),
            file.AddTensors(new() { [Weight] = probe.Weight, [Bias] = probe.Bias }));
    }

    public override ITransformer Restore(ModelReader file)
    {
        var options = Columns.Fill(new LinearProbeTrainerOptions());
        options.Validate();
        return file.Read(Weights, stream =>
        {
            using var scope = NewDisposeScope();
            var tensors = ModelReader.Tensors(stream, Weight, Bias);
            var label = KeyNames.Annotations(Classes, (int)tensors[Bias].numel());
            return new LinearProbeTransformer(
                LinearProbe.Of(tensors[Weight], tensors[Bias], Sweep, Chosen), options, label);
        });
    }
}
