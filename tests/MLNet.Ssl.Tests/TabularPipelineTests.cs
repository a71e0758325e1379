using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class TabularPipelineTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static readonly MoCoOptions Quick = new()
    {
        Backbone = new TabularMlpOptions { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 },
        Epochs = 1,
        BatchSize = 16,
        Mixing = new IMixOptions(),
    };

    private sealed class Measure
    {
        [VectorType(3)]
        public float[] Features { get; set; } = [];

        public string Kind { get; set; } = "";

        public string Label { get; set; } = "";
    }

    private static List<Measure> Draw(int rows) =>
        [.. Enumerable.Range(0, rows).Select(i => new Measure
        {
            Features = [i % 7 + 0.1f * i, i % 2 == 0 ? float.NaN : i, 5 * (i % 3)],
            Kind = $"kind {i % 4}",
            Label = i % 3 == 0 ? "yes" : "no",
        })];

    [Fact]
    public void APipelineOfTheUsualStepsTrainsAndPredicts()
    {
        var data = _ml.Data.LoadFromEnumerable(Draw(64));
        var messages = new List<string>();
        _ml.Log += (_, e) => messages.Add(e.Message);
        var pipeline = _ml.Transforms.ReplaceMissingValues("Features")
            .Append(_ml.Transforms.Categorical.OneHotEncoding("Kind"))
            .Append(_ml.Transforms.Concatenate("Features", "Features", "Kind"))
            .Append(_ml.Transforms.NormalizeMeanVariance("Features"))
            .Append(_ml.SelfSupervised().Pretrain("Embedding", "Features", Quick))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .Append(_ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Embedding"));
        var model = pipeline.Fit(data);
        var predicted = model.Transform(data);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 8), predicted.Schema["Embedding"].Type);
        Assert.InRange(_ml.MulticlassClassification.Evaluate(predicted).MicroAccuracy, 0.5, 1);
        Assert.Contains(messages, m => m.Contains("Table.ContinuousSlots = 0–2 of 7", StringComparison.Ordinal));
    }

    [Fact]
    public void EveryRowGetsTheSameEmbeddingAloneAndAmongOthers()
    {
        var pipeline = _ml.Transforms.ReplaceMissingValues("Features").Append(_ml.SelfSupervised().Pretrain("Embedding", "Features", Quick));
        var rows = Draw(3000);
        using var model = pipeline.Fit(_ml.Data.LoadFromEnumerable(rows.Take(64)));
        var all = model.Transform(_ml.Data.LoadFromEnumerable(rows)).GetColumn<float[]>("Embedding").ToList();
        using var engine = _ml.Model.CreatePredictionEngine<Measure, Embedded>(model, new PredictionEngineOptions { OwnsTransformer = false });
        Assert.Equal(3000, all.Count);
        foreach (int i in new[] { 0, 1023, 1024, 2999 }) TestImages.AssertClose(engine.Predict(rows[i]).Embedding, all[i]);
    }

    private sealed class Embedded
    {
        public float[] Embedding { get; set; } = [];
    }

    [Fact]
    public void WithoutArgumentsItFindsTheFeaturesAndTakesMoCoWithIMix()
    {
        var messages = new List<string>();
        _ml.Log += (_, e) => messages.Add(e.Message);
        var data = _ml.Transforms.ReplaceMissingValues("Features").Fit(_ml.Data.LoadFromEnumerable(Draw(40))).Transform(_ml.Data.LoadFromEnumerable(Draw(40)));
        using var transformer = _ml.SelfSupervised().Pretrain().Fit(data);
        Assert.Equal(("Embedding", "Features"), (transformer.OutputColumnName, transformer.InputColumnName));
        Assert.Contains(messages, m => m.Contains("MoCo with i-Mix is used", StringComparison.Ordinal));
        Assert.Contains(messages, m => m.Contains("BatchSize = 40: of 40 rows", StringComparison.Ordinal));
    }

    [Fact]
    public void AMissingValueIsNamedByColumnRowAndSlotWithTheWayOut()
    {
        var error = Assert.Throws<InvalidOperationException>(() =>
            _ml.SelfSupervised().Pretrain("Embedding", "Features", Quick).Fit(_ml.Data.LoadFromEnumerable(Draw(40))));
        Assert.Contains("Column 'Features', row 0, slot 1: NaN is not a finite number. ml.Transforms.ReplaceMissingValues", error.Message);
    }

    [Fact]
    public void AnotherWidthAtTransformTimeIsRefusedByName()
    {
        using var transformer = _ml.SelfSupervised().Pretrain("Embedding", "Features", Quick)
            .Fit(_ml.Transforms.ReplaceMissingValues("Features").Fit(_ml.Data.LoadFromEnumerable(Draw(40))).Transform(_ml.Data.LoadFromEnumerable(Draw(40))));
        var wide = _ml.Data.LoadFromEnumerable(new[] { new Wide { Features = new float[4] } });
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => transformer.Transform(wide));
        Assert.Contains("'Features': expected Vector<Single, 3>, got Vector<Single, 4>", error.Message);
    }

    private sealed class Wide
    {
        [VectorType(4)]
        public float[] Features { get; set; } = [];
    }

    [Fact]
    public void NeitherOneRowNorNoneCanBeLearntFrom()
    {
        IDataView Rows(int count) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(_ => new Wide { Features = new float[4] }));
        var estimator = _ml.SelfSupervised().Pretrain("Embedding", "Features", Quick);
        Assert.Contains("'Features' has no rows", Assert.Throws<InvalidOperationException>(() => estimator.Fit(Rows(0))).Message);
        Assert.Contains("there is 1 training row", Assert.Throws<ArgumentException>(() => estimator.Fit(Rows(1))).Message);
    }
}
