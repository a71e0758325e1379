using Google.Protobuf;
using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl.Onnx;

/// <summary>Networks and classifiers as ONNX models of one row, as ML.NET's ApplyOnnxModel asks for it.</summary>
internal static class RowModel
{
    /// <summary>Preprocessed pixels to features; logits become probabilities.</summary>
    public static MemoryStream OfImages(Backbone backbone, ImagePreprocessing preprocessing, string[]? classes = null)
    {
        if (preprocessing.CropSize is not { } size)
            throw new NotSupportedException(
                $"{nameof(ImagePreprocessing)}.{nameof(ImagePreprocessing.CropSize)} is null, but the images of an "
                + "ONNX file have one size: set it.");
        var graph = new OnnxGraph(backbone, 3, size, size);
        string x = graph.RowInput(Columns.Pixels, "A preprocessed image, planes of red, green and blue.", null);
        x = graph.Apply(backbone, graph.Reshape(x, 1, 3, size, size));
        if (backbone is ClassifierNetwork) x = graph.Softmax(x);
        return Write(graph, x, backbone.EmbeddingDimension, classes);
    }

    /// <summary>A row of a table to features.</summary>
    public static MemoryStream OfTable(TableEncoder encoder)
    {
        var graph = new OnnxGraph(encoder.Backbone, encoder.Columns);
        string x = graph.RowInput(Columns.Input, "A row of a table.", encoder.Columns);
        x = graph.Apply(encoder.Backbone, OnnxModel.Prepare(graph, x, encoder.Preprocessing));
        return Write(graph, x, encoder.EmbeddingDimension, null);
    }

    /// <summary>Features to class probabilities.</summary>
    public static MemoryStream OfFeatures(IFeatureClassifier classifier, string[]? classes)
    {
        var graph = new OnnxGraph(classifier.GetType().Name, classifier.Dimension);
        string x = graph.RowInput(Columns.Input, "Features.", classifier.Dimension);
        return Write(graph, classifier.Export(graph, x), classifier.NumberOfClasses, classes);
    }

    private static MemoryStream Write(OnnxGraph graph, string x, int width, string[]? slots)
    {
        graph.RowOutput(Columns.Result, slots is null ? "Features." : "Class probabilities.", x, width);
        if (slots is not null) graph.SlotNames(Columns.Result, slots);
        var stream = new MemoryStream();
        OnnxModel.Model(graph).WriteTo(stream);
        stream.Position = 0;
        return stream;
    }
}
