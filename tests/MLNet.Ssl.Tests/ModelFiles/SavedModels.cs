using System.Runtime.InteropServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Tests;

/// <summary>Models of several kinds, the rows that they are asked about, and what they answer as bytes.</summary>
internal static class SavedModels
{
    public static readonly string[] Kinds =
        ["images with neighbours", "table with LBFGS", "nested chains with a probe"];

    internal sealed class Measure
    {
        [VectorType(3)]
        public float[] Features { get; set; } = [];

        public string Kind { get; set; } = "";

        public string Label { get; set; } = "";
    }

    internal sealed class Labelled
    {
        [ImageType(TestImages.Size, TestImages.Size)]
        public MLImage? Image { get; set; }

        public string Label { get; set; } = "";
    }

    internal sealed class Answer
    {
        public string Class { get; set; } = "";

        public uint PredictedLabel { get; set; }

        public float[] Score { get; set; } = [];

        public float[] Embedding { get; set; } = [];
    }

    private static readonly SimClrOptions Images = TestImages.Untrained with { Epochs = 1, BatchSize = 8, Seed = 3 };

    private static readonly MoCoOptions Table = new()
    {
        Backbone = new TabularMlpOptions { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 },
        Epochs = 1,
        BatchSize = 16,
        Threads = 1,
        Mixing = new IMixOptions(),
    };

    private static readonly MoCoOptions ByQuantiles = Table with { Table = new() { Quantiles = 20 } };

    public static Measure[] Measures(int rows) =>
        [.. Enumerable.Range(0, rows).Select(i => new Measure
        {
            Features = [i % 7 + 0.1f * i, i % 2 == 0 ? float.NaN : i, 5 * (i % 3)],
            Kind = $"kind {i % 4}",
            Label = i % 3 == 0 ? "yes" : "no",
        })];

    public static IDataView Rows(MLContext ml, string kind) => kind.StartsWith("images", StringComparison.Ordinal)
        ? ml.Data.LoadFromEnumerable(Enumerable.Range(0, 70)
            .Select(i => new Labelled { Image = TestImages.Image(i), Label = i % 2 == 0 ? "even" : "odd" }))
        : ml.Data.LoadFromEnumerable(Measures(200));

    public static ITransformer Fit(MLContext ml, string kind)
    {
        var ssl = ml.SelfSupervised();
        var labels = ml.Transforms.Conversion.MapValueToKey("Label");
        var names = ml.Transforms.Conversion.MapKeyToValue("Class", "PredictedLabel");
        var trainers = ml.MulticlassClassification.Trainers;
        var features = ml.Transforms.ReplaceMissingValues("Features")
            .Append(ml.Transforms.Categorical.OneHotEncoding("Kind"))
            .Append(ml.Transforms.Concatenate("Features", "Features", "Kind"))
            .Append(ml.Transforms.NormalizeMeanVariance("Features"));
        IEstimator<ITransformer> pipeline = kind switch
        {
            "images with neighbours" => labels.Append(ssl.Pretrain("Embedding", "Image", Images))
                .Append(trainers.NearestNeighbors("Label", "Embedding", 5)).Append(names),
            "table with LBFGS" => features.Append(ssl.Pretrain("Embedding", "Features", Table)).Append(labels)
                .Append(trainers.LbfgsMaximumEntropy("Label", "Embedding")).Append(names),
            "nested chains with a probe" => features
                .Append(ssl.Pretrain("Embedding", "Features", ByQuantiles).Append(labels))
                .Append(trainers.LinearProbe("Label", "Embedding").Append(names)),
            _ => throw new ArgumentException(kind),
        };
        return pipeline.Fit(Rows(ml, kind));
    }

    public static Answer[] Ask(MLContext ml, ITransformer model, IDataView rows) =>
        [.. ml.Data.CreateEnumerable<Answer>(model.Transform(rows), reuseRowObject: false, ignoreMissingColumns: true)];

    /// <summary>Embeddings, scores and predicted classes of all rows, to the bit.</summary>
    public static byte[] Answers(MLContext ml, ITransformer model, string kind)
    {
        using var bytes = new MemoryStream();
        foreach (var row in Ask(ml, model, Rows(ml, kind)))
        {
            bytes.Write(MemoryMarshal.AsBytes<float>([.. row.Embedding, .. row.Score, row.PredictedLabel]));
            bytes.Write(System.Text.Encoding.UTF8.GetBytes(row.Class));
        }
        return bytes.ToArray();
    }
}
