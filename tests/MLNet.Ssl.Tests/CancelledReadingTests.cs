using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Tests;

/// <summary>Whoever reads rows or files stops at the next one when its token is cancelled.</summary>
public sealed class CancelledReadingTests : IDisposable
{
    private const int CancelledAt = 50;

    private readonly MLContext _ml = new(seed: 1);
    private readonly CancellationTokenSource _cancellation = new();
    private readonly EmbeddingTransformer _images, _tables;
    private int _read;

    public CancelledReadingTests()
    {
        _images = _ml.SelfSupervised().Pretrain("Embedding", "Image", TestImages.Untrained)
            .Fit(_ml.View(TestImages.Rows(4)));
        _tables = _ml.SelfSupervised().Pretrain("Embedding", "Features", Quick)
            .Fit(_ml.Data.LoadFromEnumerable(Some(20)));
    }

    public void Dispose()
    {
        _images.Dispose();
        _tables.Dispose();
        _cancellation.Dispose();
    }

    private static SimClrOptions Quick { get; } = new()
    {
        Backbone = new TabularMlpOptions { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 },
        Epochs = 0,
    };

    // Keys as they are: behind MapValueToKey and other mappings ML.NET reads some
    // hundred rows ahead on threads of its own.
    private sealed class Row
    {
        public string Key { get; set; } = "";

        [KeyType(2)]
        public uint Label { get; set; }

        [VectorType(3)]
        public float[] Features { get; set; } = [];
    }

    private static Row RowOf(int i) => new() { Key = $"{i}", Label = (uint)(i % 2), Features = [i % 9, i % 5, i % 2] };

    private static IEnumerable<Row> Some(int count) => Enumerable.Range(0, count).Select(RowOf);

    /// <summary>Rows without an end, which cancel.</summary>
    private IEnumerable<T> Endless<T>(Func<int, T> row)
    {
        for (int i = 0; ; i++)
        {
            if (Interlocked.Increment(ref _read) == CancelledAt) _cancellation.Cancel();
            // A reader that does not stop would not end.
            Assert.True(i < 5000, "nobody looks at the token");
            yield return row(i);
        }
    }

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Endless(RowOf));

    private sealed class Picture
    {
        [KeyType(2)]
        public uint Label { get; set; }

        [ImageType(16, 16)]
        public MLImage? Image { get; set; }
    }

    private static Picture PictureOf(int i) => new() { Label = (uint)(i % 2), Image = TestImages.Image(i % 7) };

    private IDataView Images => _ml.Data.LoadFromEnumerable(Endless(PictureOf));

    private IDataView Embedded => _tables.Transform(Rows);

    private ImageClassificationTransformer Teacher() =>
        _ml.SelfSupervised().FineTune("PredictedLabel", "Image", "Label", _images, new() { Epochs = 1, BatchSize = 4 })
            .Fit(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 8).Select(PictureOf)));

    public static TheoryData<string> Readers =>
    [
        "pretraining on a table", "pretraining on images", "pretraining on embeddings",
        "online evaluation, training rows", "online evaluation, test rows",
        "online evaluation, images", "fine-tuning", "fine-tuning, validation", "distillation", "kNN evaluation",
        "linear evaluation",
        "linear evaluation, validation",
        "closed-form evaluation", "evaluation of embeddings", "evaluation of embedded images", "kNN trainer",
        "linear trainer", "two embeddings",
        "index", "report on a table", "report on images",
    ];

    [Theory]
    [MemberData(nameof(Readers))]
    public void AReaderStopsAtTheNextRow(string reader)
    {
        var token = _cancellation.Token;
        var ssl = _ml.SelfSupervised();
        var trainers = _ml.MulticlassClassification.Trainers;
        var few = _ml.Data.LoadFromEnumerable(Some(20));
        var linear = new LinearProbeOptions { CancellationToken = token };
        var quick = Quick with { CancellationToken = token };
        using var folder = new TemporaryFolder();
        Action read = reader switch
        {
            "pretraining on a table" => () => ssl.Pretrain("Embedding", "Features", quick).Fit(Rows),
            "pretraining on images" => () =>
                ssl.Pretrain("Embedding", "Image", TestImages.Untrained with { CancellationToken = token }).Fit(Images),
            "pretraining on embeddings" => () => ssl.Pretrain("Deeper", "Embedding", quick).Fit(Embedded),
            "online evaluation, training rows" => () =>
                ssl.Pretrain("Embedding", "Features", quick).WithEvaluation(Rows, few).Fit(few),
            "online evaluation, test rows" => () =>
                ssl.Pretrain("Embedding", "Features", quick).WithEvaluation(few, Rows).Fit(few),
            "online evaluation, images" => () =>
                ssl.Pretrain("Embedding", "Image", TestImages.Untrained with { CancellationToken = token })
                .WithEvaluation(Images, Images).Fit(_ml.View(TestImages.Rows(4))),
            "fine-tuning" => () => ssl.FineTune("PredictedLabel", "Image", "Label", _images,
                new() { CancellationToken = token }).Fit(Images),
            "fine-tuning, validation" => () => ssl.FineTune("PredictedLabel", "Image", "Label", _images,
                new() { CancellationToken = token }).WithValidation(Images).Fit(_ml.Data.TakeRows(Images, 8)),
            "distillation" => () => ssl.Distill("PredictedLabel", "Image", null, Teacher(),
                new() { CancellationToken = token }).Fit(Images),
            "kNN evaluation" => () =>
                ssl.Evaluate.NearestNeighbors(Rows, few, featureColumnName: "Features", cancellationToken: token),
            "linear evaluation" => () => ssl.Evaluate.Linear(few, Rows, featureColumnName: "Features", options: linear),
            "linear evaluation, validation" => () =>
                ssl.Evaluate.Linear(few, few, featureColumnName: "Features", options: linear, validation: Rows),
            "closed-form evaluation" => () =>
                ssl.Evaluate.ClosedForm(Rows, few, featureColumnName: "Features", cancellationToken: token),
            "evaluation of embeddings" => () => ssl.Evaluate.Linear(Embedded, Embedded, options: linear),
            "evaluation of embedded images" => () => ssl.Evaluate.NearestNeighbors(_images.Transform(Images),
                _images.Transform(Images), cancellationToken: token),
            "kNN trainer" => () =>
                trainers.NearestNeighbors(new NearestNeighborsOptions { CancellationToken = token }).Fit(Rows),
            "linear trainer" => () => trainers.LinearProbe(probe: linear).Fit(Rows),
            "two embeddings" => () =>
                ssl.Evaluate.ClosedForm(_tables.Transform(Embedded), _tables.Transform(few), cancellationToken: token),
            "index" => () => ssl.Index(Embedded, "Key", cancellationToken: token),
            "report on a table" => () => new PretrainReport()
                .Write(folder.File("report.html"), _tables, Rows, maxRows: 4000, cancellationToken: token),
            _ => () => new PretrainReport()
                .Write(folder.File("report.html"), _images, Images, maxRows: 4000, cancellationToken: token),
        };
        Assert.Equal(token, Assert.ThrowsAny<OperationCanceledException>(read).CancellationToken);
        Assert.InRange(_read, CancelledAt, CancelledAt + 1);
    }

    [Fact]
    public void FilesAreReadNoFurtherEither()
    {
        using var folder = new TemporaryFolder();
        TestImages.Image(0).Save(folder.File("image.png"));
        var index = new EmbeddingIndex(_images.Encoder.EmbeddingDimension);
        var opened = 0;
        Assert.ThrowsAny<OperationCanceledException>(() =>
            index.Add(_images, Endless(i => folder.File($"none {i}.png")), (_, _) => opened++, _cancellation.Token));
        Assert.Equal(CancelledAt, _read);
        Assert.Equal(0, opened);
        Assert.ThrowsAny<OperationCanceledException>(() =>
            index.Add(_images, [folder.File("image.png")], cancellationToken: _cancellation.Token));
        Assert.Equal(0, index.Count);
    }

    [Fact]
    public void ACacheThatACancelledReaderBeganIsFilledForOthers()
    {
        var cached = _ml.Data.Cache(_tables.Transform(_ml.Data.LoadFromEnumerable(Some(3000).Select((row, i) =>
        {
            if (i == CancelledAt) _cancellation.Cancel();
            return row;
        }))), "Embedding", "Label");
        Assert.ThrowsAny<OperationCanceledException>(() =>
            _ml.SelfSupervised().Evaluate.ClosedForm(cached, cached, cancellationToken: _cancellation.Token));
        Assert.Equal(3000, cached.GetColumn<float[]>("Embedding").Count());
    }

    [Fact]
    public void ACursorThatIsLetGoOfReadsNoFurther()
    {
        using var left = new ManualResetEventSlim();
        var view = _tables.Transform(_ml.Data.LoadFromEnumerable(Endless(RowOf).Select(row =>
        {
            // The second batch, which is read while the first is computed and left.
            if (_read > 1024) left.Wait(TimeSpan.FromMinutes(1));
            if (_read > 1024) Thread.Sleep(5);
            return row;
        })));
        using (var cursor = view.GetRowCursor([view.Schema["Embedding"]]))
        {
            cursor.MoveNext();
            VBuffer<float> embedding = default;
            cursor.GetGetter<VBuffer<float>>(view.Schema["Embedding"])(ref embedding);
            left.Set();
        }
        Assert.InRange(_read, 1024, 1500);
    }
}
