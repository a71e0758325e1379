using System.Globalization;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Onnx;

namespace MLNet.Ssl.Inference;

/// <summary>Encoders as ONNX models: preprocessing, network, and what they are.</summary>
internal static class OnnxModel
{
    /// <summary>The IR version that belongs to opset 17.</summary>
    private const long IrVersion = 8;

    /// <summary>
    /// "image", RGB values 0 to 255 (N,3,S,S), to "embedding" (N,D). S is the size after the
    /// preprocessing's resize; its crop is in the graph.
    /// </summary>
    public static ModelProto OfImages(Backbone backbone, ImagePreprocessing preprocessing)
    {
        preprocessing.Validate();
        if (preprocessing.CropSize is not { } crop)
            throw new InvalidOperationException(
                $"{nameof(ImagePreprocessing)}.{nameof(ImagePreprocessing.CropSize)} is null, but the images of an "
                + "ONNX file have one size: set it.");
        int size = preprocessing.Resize ?? crop;
        var (mean, std) = preprocessing.Normalization;

        var graph = new OnnxGraph(backbone, 3, crop, crop);
        string x = graph.Input("image", "RGB values from 0 to 255, planes of red, green and blue.", 3, size, size);
        if (crop < size) x = graph.Slice(x, ImagePreprocessing.CropStart(size, crop), crop, 2, 3);
        x = graph.Div(x, graph.Constant(255));
        x = graph.Sub(x, graph.Constant([mean.Red, mean.Green, mean.Blue], 1, 3, 1, 1));
        x = graph.Div(x, graph.Constant([std.Red, std.Green, std.Blue], 1, 3, 1, 1));
        graph.Output("embedding", "Features of the backbone.", graph.Apply(backbone, x), backbone.EmbeddingDimension);
        return Model(graph, [
            ("backbone", backbone.GetName()), ("image_size", $"{size}"), ("crop_size", $"{crop}"),
            ("mean", Numbers(mean.Red, mean.Green, mean.Blue)), ("std", Numbers(std.Red, std.Green, std.Blue))]);
    }

    /// <summary>"row", the values of a row (N,columns), to "embedding" (N,D).</summary>
    public static ModelProto OfRows(Backbone backbone, TablePreprocessing preprocessing)
    {
        var (mean, scale) = (preprocessing.Mean.ToArray(), preprocessing.Scale.ToArray());
        var graph = new OnnxGraph(backbone, preprocessing.Columns);
        string x = graph.Input("row", "Values of a row, as the encoder was trained on.", preprocessing.Columns);
        x = Prepare(graph, x, preprocessing);
        graph.Output("embedding", "Features of the backbone.", graph.Apply(backbone, x), backbone.EmbeddingDimension);
        return Model(graph, [("backbone", backbone.GetName()), ("mean", Numbers(mean)), ("scale", Numbers(scale))]);
    }

    /// <summary>What is done to a row of a table.</summary>
    public static string Prepare(OnnxGraph graph, string x, TablePreprocessing preprocessing)
    {
        var (mean, scale) = (preprocessing.Mean.ToArray(), preprocessing.Scale.ToArray());
        string result =
            graph.Mul(graph.Sub(x, graph.Constant(mean, 1, mean.Length)), graph.Constant(scale, 1, scale.Length));
        return preprocessing.Normal is { } quantiles ? OnnxQuantiles.Replace(graph, x, result, mean.Length, quantiles)
            : result;
    }

    /// <summary>The file's messages around a graph that is whole.</summary>
    public static ModelProto Model(OnnxGraph graph, params (string Key, string Value)[] properties)
    {
        string version = typeof(OnnxModel).Assembly.GetName().Version!.ToString(3);
        var model = new ModelProto
        {
            IrVersion = IrVersion,
            ProducerName = "MLNet.Ssl",
            ProducerVersion = version,
            OpsetImport = { graph.Opsets },
            Graph = graph.Build(),
        };
        foreach (var (key, value) in properties.Prepend(("library", $"MLNet.Ssl {version}")))
            model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        return model;
    }

    private static string Numbers(params float[] values) =>
        string.Join(',', values.Select(v => v.ToString(CultureInfo.InvariantCulture)));
}
