using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

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
        Assert.Contains(messages, m => m.Contains("Table.ContinuousSlots = 0–2: of 7", StringComparison.Ordinal));
    }

    [Fact]
    public void WhatOneHotEncodingNotesOfItsSlotsIsKnown()
    {
        var data = _ml.Data.LoadFromEnumerable(Draw(64));
        var pipeline = _ml.Transforms.ReplaceMissingValues("Features")
            .Append(_ml.Transforms.Categorical.OneHotEncoding("Kind"))
            .Append(_ml.Transforms.Concatenate("Features", "Features", "Kind"));
        var rows = pipeline.Fit(data).Transform(data);
        Assert.Equal([3..7], CategoricalSlots.Of(rows.Schema["Features"]));
        Assert.Null(CategoricalSlots.Of(data.Schema["Features"]));
        var messages = new List<string>();
        _ml.Log += (_, e) => messages.Add(e.Message);
        using var transformer = _ml.SelfSupervised().Pretrain("Embedding", "Features", Quick with { Epochs = 0 })
            .Fit(rows);
        Assert.Contains(messages, m => m.Contains(
            "Table.CategoricalSlots = [3..7]: the column says that they are one-hot codes", StringComparison.Ordinal));
    }

    [Fact]
    public void EveryRowGetsTheSameEmbeddingAloneAndAmongOthers()
    {
        var pipeline = _ml.Transforms.ReplaceMissingValues("Features")
            .Append(_ml.SelfSupervised().Pretrain("Embedding", "Features", Quick));
        var rows = Draw(3000);
        using var model = pipeline.Fit(_ml.Data.LoadFromEnumerable(rows.Take(64)));
        var all = model.Transform(_ml.Data.LoadFromEnumerable(rows)).GetColumn<float[]>("Embedding").ToList();
        using var engine = _ml.Model.CreatePredictionEngine<Measure, Embedded>(model,
            new PredictionEngineOptions { OwnsTransformer = false });
        Assert.Equal(3000, all.Count);
        foreach (int i in new[] { 0, 1023, 1024, 2999 })
            TestImages.AssertClose(engine.Predict(rows[i]).Embedding, all[i]);
    }

    private sealed class Embedded
    {
        public float[] Embedding { get; set; } = [];
    }

    [Fact]
    public void WithoutArgumentsItFindsTheFeaturesAndReconstructsThem()
    {
        var messages = new List<string>();
        _ml.Log += (_, e) => messages.Add(e.Message);
        var data = _ml.Transforms.ReplaceMissingValues("Features").Fit(_ml.Data.LoadFromEnumerable(Draw(40)))
            .Transform(_ml.Data.LoadFromEnumerable(Draw(40)));
        using var transformer = _ml.SelfSupervised().Pretrain().Fit(data);
        using var named = _ml.SelfSupervised().MaskedReconstruction(options: new() { Epochs = 0 }).Fit(data);
        Assert.Equal(("masked reconstruction", "Features"), (named.Encoder.Method, named.InputColumnName));
        Assert.Equal(("Embedding", "Features"), (transformer.OutputColumnName, transformer.InputColumnName));
        Assert.Contains(messages, m => m.Contains(
            "MethodName = masked reconstruction: no options were given, and ", StringComparison.Ordinal));
        Assert.Contains(messages, m => m.Contains("BatchSize = 10: of 40 rows", StringComparison.Ordinal));
    }

    [Fact]
    public void AMissingValueIsNamedByColumnRowAndSlotWithTheWayOut()
    {
        var error = Assert.Throws<InvalidOperationException>(() =>
            _ml.SelfSupervised().Pretrain("Embedding", "Features", Quick).Fit(_ml.Data.LoadFromEnumerable(Draw(40))));
        Assert.Contains("Column 'Features', row 0, slot 1: NaN is not a finite number. "
            + "ml.Transforms.ReplaceMissingValues", error.Message);
    }

    [Fact]
    public void AnotherWidthAtTransformTimeIsRefusedByName()
    {
        using var transformer = _ml.SelfSupervised().Pretrain("Embedding", "Features", Quick)
            .Fit(_ml.Transforms.ReplaceMissingValues("Features").Fit(_ml.Data.LoadFromEnumerable(Draw(40)))
                .Transform(_ml.Data.LoadFromEnumerable(Draw(40))));
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
        IDataView Rows(int count) =>
            _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(_ => new Wide { Features = new float[4] }));
        var estimator = _ml.SelfSupervised().Pretrain("Embedding", "Features", Quick);
        Assert.Contains("'Features' has no rows",
            Assert.Throws<InvalidOperationException>(() => estimator.Fit(Rows(0))).Message);
        Assert.Contains("there is 1 training row",
            Assert.Throws<ArgumentException>(() => estimator.Fit(Rows(1))).Message);
    }

    [Fact]
    public void ASlotWhollyMissingIsFilledAndWarnedOfAsConstant()
    {
        var rows = Draw(40);
        foreach (var row in rows) row.Features[1] = float.NaN;
        foreach (var mode in new[] { MissingValueReplacingEstimator.ReplacementMode.DefaultValue,
            MissingValueReplacingEstimator.ReplacementMode.Mean })
        {
            var messages = new List<string>();
            var ml = new MLContext(seed: 1);
            ml.Log += (_, e) => messages.Add(e.Message);
            var data = ml.Data.LoadFromEnumerable(rows);
            using var model = ml.Transforms.ReplaceMissingValues("Features", replacementMode: mode)
                .Append(ml.SelfSupervised().Pretrain("Embedding", "Features", Quick)).Fit(data);
            Assert.All(model.Transform(data).GetColumn<float[]>("Embedding"), embedding =>
                Assert.All(embedding, v => Assert.True(float.IsFinite(v))));
            Assert.Contains(messages, m => m.Contains(
                "1 of 3 slots are constant and tell nothing (was every value missing?): 1.", StringComparison.Ordinal));
        }
    }

    /// <summary>The whole of the usual pipeline from a text file of real rows, with missing values
    /// and categories as names.</summary>
    [Fact]
    public void RealRowsOfATextFileTrainAndPredict()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("covtype.csv");
        WriteCovType(RealData.Path("covtype/covtype.data.gz"), path, 3000);
        var rows = _ml.Data.LoadFromTextFile(path, [new("Continuous", DataKind.Single, 0, 9),
            new("Area", DataKind.String, 10), new("Soil", DataKind.String, 11),
            new("Label", DataKind.String, 12)], ',');
        IDataView train = _ml.Data.TakeRows(rows, 2000), test = _ml.Data.SkipRows(rows, 2000);
        var prepare = _ml.Transforms.ReplaceMissingValues("Continuous",
            replacementMode: MissingValueReplacingEstimator.ReplacementMode.Mean)
            .Append(_ml.Transforms.Categorical.OneHotEncoding([new("Area"), new("Soil")]))
            .Append(_ml.Transforms.Concatenate("Features", "Continuous", "Area", "Soil"))
            .Append(_ml.Transforms.NormalizeMeanVariance("Features"))
            .Append(_ml.SelfSupervised().Pretrain("Embedding", "Features", new MoCoOptions
            {
                Backbone = new TabularMlpOptions { InputWidth = 32, HiddenWidths = [64], OutputWidth = 256 },
                Epochs = 5,
                BatchSize = 256,
                Mixing = new IMixOptions { Alpha = 2 },
            }))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"));
        double Accuracy(IEstimator<ITransformer> classifier)
        {
            var model = prepare.Append(classifier).Fit(train);
            return _ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;
        }
        var trainers = _ml.MulticlassClassification.Trainers;
        // Seven classes, about as frequent.
        Assert.InRange(Accuracy(trainers.NearestNeighbors("Label", "Embedding")), 0.4, 1);
        Assert.InRange(Accuracy(trainers.LbfgsMaximumEntropy("Label", "Embedding")), 0.4, 1);
    }

    /// <summary>Rows from all over the training part, one continuous value in fifty missing, the indicators as the
    /// names of what they indicate.</summary>
    private static void WriteCovType(string from, string to, int count)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(from), CompressionMode.Decompress));
        var lines = new List<string>();
        while (lines.Count < 15_120 && reader.ReadLine() is { } line) lines.Add(line);
        var random = new Random(1);
        string Row(string line)
        {
            var values = line.Split(',');
            int area = Array.IndexOf(values, "1", 10, 4) - 10, soil = Array.IndexOf(values, "1", 14, 40) - 14;
            var continuous = values.Take(10).Select(v => random.Next(50) == 0 ? "?" : v);
            return string.Join(',', [.. continuous, $"area {area}", $"soil {soil}", $"class {values[54]}"]);
        }
        var order = lines.ToArray();
        random.Shuffle(order);
        File.WriteAllLines(to, order.Take(count).Select(Row));
    }
}
