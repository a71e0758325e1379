using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>Every row keeps what was computed of it, whatever the source gives in another pass.</summary>
public sealed class ConsistentRowsTests : IDisposable
{
    // More than two batches of rows of a table.
    private const int Count = 2500;

    private readonly MLContext _ml = new(seed: 1);
    private readonly EmbeddingTransformer _tables;

    public ConsistentRowsTests() => _tables = _ml.SelfSupervised().Pretrain("Embedding", "Features", new SimClrOptions
    {
        Backbone = new TabularMlpOptions { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 },
        Epochs = 0,
    }).Fit(_ml.Data.LoadFromEnumerable(Rows(64)));

    public void Dispose() => _tables.Dispose();

    internal sealed class Row
    {
        public int Number { get; set; }

        [VectorType(3)]
        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }

    private sealed class EmbeddedRow
    {
        public int Number { get; set; }

        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "";

        public float[] Embedding { get; set; } = [];
    }

    private static float[] FeaturesOf(int number) => [MathF.Sin(number), number % 7, number % 11 * 0.5f];

    private static IEnumerable<Row> Rows(int count) =>
        Enumerable.Range(0, count)
            .Select(i => new Row { Number = i, Features = FeaturesOf(i), Label = $"class {i % 7}" });

    public static TheoryData<string> Sources =>
        ["shuffled", "queue", "one reader", "random mapping", "cached", "repeated"];

    private IDataView Source(string kind, IEnumerable<Row> rows)
    {
        var random = new Random(3);
        var list = rows.ToList();
        var queue = new Queue<Row>(list);
        return kind switch
        {
            "shuffled" => _ml.Data.LoadFromEnumerable(list.OrderBy(_ => random.Next())),
            "queue" => _ml.Data.LoadFromEnumerable(Drained(queue)),
            "one reader" => _ml.Data.LoadFromEnumerable(new OneReader<Row>(list)),
            "random mapping" => _ml.Transforms.CustomMapping<Row, Row>((from, to) =>
            {
                (to.Number, to.Label) = (from.Number, from.Label);
                to.Features = [.. from.Features.Select(v => v + random.NextSingle())];
            }, null).Fit(_ml.Data.LoadFromEnumerable(list)).Transform(_ml.Data.LoadFromEnumerable(list)),
            "cached" => _ml.Data.Cache(_ml.Data.LoadFromEnumerable(list.OrderBy(_ => random.Next()))),
            _ => _ml.Data.LoadFromEnumerable(list),
        };
    }

    private static IEnumerable<Row> Drained(Queue<Row> queue)
    {
        while (queue.TryDequeue(out var row)) yield return row;
    }

    private sealed class OneReader<T>(IEnumerable<T> items) : IEnumerable<T>
    {
        private int _readers;

        public IEnumerator<T> GetEnumerator()
        {
            if (Interlocked.Increment(ref _readers) > 1)
                throw new InvalidOperationException("the source has a reader already");
            return Read();
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

        private IEnumerator<T> Read()
        {
            try
            {
                foreach (var item in items) yield return item;
            }
            finally
            {
                Interlocked.Decrement(ref _readers);
            }
        }
    }

    private float[][] Encoded(IEnumerable<float[]> rows)
    {
        float[][] list = [.. rows];
        var all = new float[list.Length * 8];
        ((TableEncoder)_tables.Encoder).Embed(list, all);
        return [.. all.Chunk(8)];
    }

    [Theory]
    [MemberData(nameof(Sources))]
    public void ARowsEmbeddingIsThatOfItsValues(string kind)
    {
        var rows = _ml.Data.CreateEnumerable<EmbeddedRow>(_tables.Transform(Source(kind, Rows(Count))),
            reuseRowObject: false).ToList();
        Assert.Equal(Enumerable.Range(0, Count), rows.Select(row => row.Number).Order());
        var expected = Encoded(rows.Select(row => row.Features));
        for (int i = 0; i < Count; i++)
        {
            Assert.Equal($"class {rows[i].Number % 7}", rows[i].Label);
            if (kind != "random mapping") Assert.Equal(FeaturesOf(rows[i].Number), rows[i].Features);
            TestImages.AssertClose(expected[i], rows[i].Embedding);
        }
    }

    [Theory]
    [MemberData(nameof(Sources))]
    public void AClassifierBehindItPredictsEveryRowsOwnLabel(string kind)
    {
        var key = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(_ml.Data.LoadFromEnumerable(Rows(64)));
        IDataView Keyed(IDataView view) => _tables.Transform(key.Transform(view));
        using var classifier =
            _ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Features", numberOfNeighbors: 1)
            .Fit(Keyed(Source("repeated", Spread(700))));
        var predicted = classifier.Transform(Keyed(Source(kind, Spread(700))));
        Assert.Equal(1, _ml.MulticlassClassification.Evaluate(predicted).MicroAccuracy);
    }

    /// <summary>Evaluators, trainers, the index and pretraining read a source once: a queue gives them all its rows,
    /// and one that allows a single reader is content.</summary>
    [Theory]
    [InlineData("shuffled")]
    [InlineData("queue")]
    [InlineData("one reader")]
    public void WhoReadsRowsReadsThemOnce(string kind)
    {
        var ssl = _ml.SelfSupervised();
        var key = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(_ml.Data.LoadFromEnumerable(Rows(64)));
        IDataView Rows700() => key.Transform(Source(kind, Spread(700)));
        IDataView Embedded() => _tables.Transform(Rows700());
        Assert.Equal(1, ssl.Evaluate.NearestNeighbors(Rows700(), Rows700(), featureColumnName: "Features", ks: [1])[0]
            .Accuracy);
        Assert.Equal(1, ssl.Evaluate.NearestNeighbors(Embedded(), Embedded(), ks: [1])[0].Accuracy, 2);
        Assert.True(ssl.Evaluate.ClosedForm(Embedded(), Embedded()).Accuracy > 0.9);
        Assert.True(ssl.Evaluate.Linear(Rows700(), Rows700(), featureColumnName: "Features",
            options: new() { Epochs = 20 }, validation: Rows700()).Accuracy > 0.9);
        var keyed = _ml.Transforms.Conversion.ConvertType("Key", "Number", DataKind.String)
            .Fit(_ml.Data.LoadFromEnumerable(Rows(1)));
        var index = ssl.Index(keyed.Transform(Embedded()), "Key");
        Assert.Equal(Enumerable.Range(0, 700).Select(i => $"{i}").Order(), index.Keys.Order());
        var expected = Encoded(Spread(700).Select(row => row.Features));
        for (int row = 0; row < index.Count; row++)
            Assert.True(Cosine(expected[int.Parse(index.Keys[row])], index[row]) > 0.9999, index.Keys[row]);
        var quick = new SimClrOptions { Epochs = 1, Seed = 1, Threads = 1 };
        var reports = new List<TrainingProgress>();
        ssl.Pretrain("Embedding", "Features", quick with { Progress = new Collect(reports.Add) })
            .WithEvaluation(Rows700(), Rows700(), numberOfNeighbors: 1).Fit(Rows700()).Dispose();
        Assert.Equal(1, reports[^1].KnnAccuracy!.Value, 1);
        using var folder = new TemporaryFolder();
        new PretrainReport().Write(folder.File("report.html"), _tables, Rows700(), "Label");
        Assert.Contains("700 rows", File.ReadAllText(folder.File("report.html")));
    }

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b) =>
        System.Numerics.Tensors.TensorPrimitives.CosineSimilarity(a, b);

    /// <summary>Classes that a little noise does not mix up: they lie in different directions.</summary>
    private static IEnumerable<Row> Spread(int count) => Rows(count).Select(row => new Row
    {
        Number = row.Number,
        Label = row.Label,
        Features = [30 * MathF.Cos(row.Number % 7), 30 * MathF.Sin(row.Number % 7), 0],
    });

    [Fact]
    public void ImagesAreEmbeddedClassifiedAndPassedOnFromOneReading()
    {
        var random = new Random(5);
        var ssl = _ml.SelfSupervised();
        var key = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(_ml.View(TestImages.Rows(4)));
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(_ml.View(TestImages.Rows(4)));
        using var classifier =
            ssl.FineTune("PredictedLabel", "Image", "Label", encoder, new() { Epochs = 1, BatchSize = 8 })
            .Fit(key.Transform(_ml.View(TestImages.Rows(16))));
        var shuffled = _ml.View(TestImages.Rows(150).OrderBy(_ => random.Next()));
        var view = classifier.Transform(encoder.Transform(shuffled));
        using var cursor = view.GetRowCursor(view.Schema);
        var number = cursor.GetGetter<int>(view.Schema["Number"]);
        var image = cursor.GetGetter<MLImage>(view.Schema["Image"]);
        var embedding = cursor.GetGetter<VBuffer<float>>(view.Schema["Embedding"]);
        var score = cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]);
        var (n, pixels, e, s) = (0, default(MLImage), default(VBuffer<float>), default(VBuffer<float>));
        float[] alone = new float[16], scores = new float[2];
        var seen = new List<int>();
        while (cursor.MoveNext())
        {
            number(ref n);
            image(ref pixels!);
            embedding(ref e);
            score(ref s);
            seen.Add(n);
            Assert.Equal(TestImages.Image(n).Pixels.ToArray(), pixels!.Pixels.ToArray());
            RgbImage[] rgb = [new(TestImages.Rgb(n), TestImages.Size, TestImages.Size)];
            ((ImageEncoder)encoder.Encoder).Embed(rgb, alone);
            classifier.Classifier.Probabilities(rgb, scores);
            TestImages.AssertClose(alone, e.DenseValues());
            TestImages.AssertClose(scores, s.DenseValues());
        }
        Assert.Equal(Enumerable.Range(0, 150), seen.Order());
    }

    [Fact]
    public void ImagesOfFilesPassOnOnceDecodedWithTheirPaths()
    {
        using var folder = new TemporaryFolder();
        for (int i = 0; i < 70; i++)
            TestImages.Image(i, alpha: (byte)(i % 2 == 0 ? 255 : 0)).Save(folder.File($"{i}.png"));
        var random = new Random(6);
        using var encoder = _ml.SelfSupervised().Pretrain("Embedding", "Image", TestImages.Untrained)
            .Fit(_ml.View(TestImages.Rows(4)));
        var paths = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 70).Select(i => new { Label = $"{i}.png" })
            .OrderBy(_ => random.Next()));
        var loaded = _ml.Transforms.LoadImages("Image", folder.Path, "Label").Fit(paths).Transform(paths);
        // What comes after may dispose of the images it reads, twice over.
        var view = _ml.Transforms.ResizeImages("Small", 4, 4, "Image")
            .Append(_ml.Transforms.ResizeImages("Whole", TestImages.Size, TestImages.Size, "Image"))
            .Append(_ml.Transforms.ExtractPixels("Pixels", "Whole"))
            .Append(_ml.Transforms.ExtractPixels("SmallPixels", "Small")).Fit(encoder.Transform(loaded))
            .Transform(encoder.Transform(loaded));
        using var cursor = view.GetRowCursor(view.Schema);
        var label = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Label"]);
        var image = cursor.GetGetter<MLImage>(view.Schema["Image"]);
        var pixels = cursor.GetGetter<VBuffer<float>>(view.Schema["Pixels"]);
        var small = cursor.GetGetter<VBuffer<float>>(view.Schema["SmallPixels"]);
        var (l, i2, p, s) =
            (default(ReadOnlyMemory<char>), default(MLImage), default(VBuffer<float>), default(VBuffer<float>));
        int seen = 0;
        for (; cursor.MoveNext(); seen++)
        {
            label(ref l);
            image(ref i2!);
            pixels(ref p);
            small(ref s);
            using var file = MLImage.CreateFromFile(folder.File(l.ToString()));
            Assert.Equal(folder.File(l.ToString()), i2!.Tag);
            Assert.Equal(file.PixelFormat, i2.PixelFormat);
            Assert.Equal(file.Pixels.ToArray(), i2.Pixels.ToArray());
            Assert.Equal(3 * TestImages.Size * TestImages.Size, p.Length);
            Assert.Equal(file.ToRgbImage().Pixels.Span[0], p.GetItemOrDefault(0));
            Assert.Equal(48, s.Length);
        }
        Assert.Equal(70, seen);
    }

    [Fact]
    public void AShuffledCursorKeepsRowsTogether()
    {
        var view = _tables.Transform(_ml.Data.Cache(Source("shuffled", Rows(Count))));
        Assert.True(view.CanShuffle);
        using var cursor = view.GetRowCursor(view.Schema, new Random(2));
        var number = cursor.GetGetter<int>(view.Schema["Number"]);
        var embedding = cursor.GetGetter<VBuffer<float>>(view.Schema["Embedding"]);
        var expected = Encoded(Enumerable.Range(0, Count).Select(FeaturesOf));
        var seen = new List<int>();
        var (n, e) = (0, default(VBuffer<float>));
        while (cursor.MoveNext())
        {
            number(ref n);
            embedding(ref e);
            seen.Add(n);
            TestImages.AssertClose(expected[n], e.DenseValues());
        }
        Assert.Equal(Enumerable.Range(0, Count), seen.Order());
        Assert.NotEqual(Enumerable.Range(0, Count), seen);
    }
}
