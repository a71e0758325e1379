using Microsoft.ML;
using static TorchSharp.torch;

namespace MLNet.Ssl.ModelFiles;

/// <summary>A <see cref="NearestNeighborsTransformer"/>.</summary>
/// <param name="Columns">Its columns.</param>
/// <param name="NumberOfNeighbors">Neighbours that vote.</param>
/// <param name="Temperature">Temperature of the votes.</param>
/// <param name="NumberOfClasses">Number of classes.</param>
/// <param name="Classes">The classes' names or values; null where the label had none.</param>
/// <param name="Bank">The entry with the training features, normalised, and their labels: a safetensors file.</param>
internal sealed record NearestNeighborsPart(
    ClassifierColumns Columns, int NumberOfNeighbors, float Temperature, int NumberOfClasses, KeyNames? Classes,
        string Bank) : SavedPart
{
    private const string Features = "features", Labels = "labels";

    public static NearestNeighborsPart Of(NearestNeighborsTransformer transformer, ModelWriter file)
    {
        var knn = (WeightedKnn)transformer.Classifier;
        return new(ClassifierColumns.Of(transformer.Options), knn.NumberOfNeighbors, knn.Temperature,
            knn.NumberOfClasses, KeyNames.Of(transformer.Label),
            file.AddTensors(new() { [Features] = knn.Features, [Labels] = knn.Labels }));
    }

    public override ITransformer Restore(ModelReader file)
    {
        var options = Columns.Fill(new NearestNeighborsOptions
        {
            NumberOfNeighbors = NumberOfNeighbors,
            Temperature = Temperature
        });
        options.Validate();
        if (NumberOfClasses is < 1 or > KeyNames.MostClasses)
            throw new InvalidDataException($"the number of classes is {NumberOfClasses}.");
        var label = KeyNames.Annotations(Classes, NumberOfClasses);
        return file.Read(Bank, stream =>
        {
            using var scope = NewDisposeScope();
            var tensors = ModelReader.Tensors(stream, Features, Labels);
            return new NearestNeighborsTransformer(
                WeightedKnn.OfNormalized(tensors[Features], tensors[Labels], NumberOfClasses, NumberOfNeighbors,
                Temperature), options, label);
        });
    }
}
