using System.Text.Json.Serialization;
using Microsoft.ML;
using MLNet.Ssl.Classification;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl.ModelFiles;

/// <summary>An <see cref="ImageClassificationTransformer"/>.</summary>
/// <param name="Columns">Its columns.</param>
/// <param name="Backbone">The network below the classifier.</param>
/// <param name="Head">The projection head of which layers are kept; null for none.</param>
/// <param name="HeadLayers">How many of them.</param>
/// <param name="Images">What is done to images.</param>
/// <param name="NumberOfClasses">Number of classes.</param>
/// <param name="Classes">The classes' names or values; null where the label had none.</param>
/// <param name="Weights">The entry with the weights, a safetensors file.</param>
/// <param name="ApplyExifOrientation">Whether image files are turned as their EXIF data says.</param>
/// <param name="Column">The input column where it holds images; null where that is not known.</param>
internal sealed record ImageClassificationPart(
    ClassifierColumns Columns, BackboneOptions Backbone, ProjectionHeadOptions? Head, int HeadLayers,
    SavedImagePreprocessing Images, int NumberOfClasses, KeyNames? Classes, string Weights,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool ApplyExifOrientation = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] SavedInput? Column = null)
    : SavedPart
{
    public static ImageClassificationPart Of(ImageClassificationTransformer transformer, ModelWriter file)
    {
        var classifier = transformer.Classifier;
        var network = classifier.Network;
        return new(ClassifierColumns.Of(transformer.Columns), classifier.Backbone, network.Head, network.HeadLayers,
            SavedImagePreprocessing.Of(classifier.Preprocessing), classifier.NumberOfClasses,
            KeyNames.Of(transformer.Label), file.AddTensors(network.state_dict()),
            transformer.ApplyExifOrientation, SavedInput.Of(transformer.InputType));
    }

    public override ITransformer Restore(ModelReader file)
    {
        var columns = Columns.Fill(new ImageClassificationColumns());
        columns.Validate();
        Backbone.Validate();
        Head?.Validate();
        if (Backbone.TakesTables || NumberOfClasses is < 2 or > KeyNames.MostClasses || HeadLayers < 0
            || HeadLayers > (Head?.Layers ?? 0)
            || (Head is not null && Head.InputDimension != Backbone.EmbeddingDimension))
            throw new InvalidDataException("the classifier's backbone, head and number of classes do not go together.");
        var label = KeyNames.Annotations(Classes, NumberOfClasses);
        var preprocessing = Images.Restore();
        var size = ClassifierNetwork.LeastSize(Backbone, Head, HeadLayers, NumberOfClasses);
        var network = SavedNetwork.Read(file, Weights, size, generator =>
        {
            var backbone = Backbone.Create(generator);
            var head = Head is null ? null : new ProjectionHead(Head, HeadLayers, generator);
            return new ClassifierNetwork(backbone, head, HeadLayers, NumberOfClasses, generator);
        });
        return new ImageClassificationTransformer(
            new(new(network, preprocessing, file.Device), Backbone), columns, label, file.Register("Classify"))
        {
            ApplyExifOrientation = ApplyExifOrientation,
            InputType = Column?.Restore(),
        };
    }
}
