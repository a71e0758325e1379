using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class EmbeddingIndexExtensionsTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly EmbeddingTransformer _transformer;

    public EmbeddingIndexExtensionsTests() =>
        _transformer = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained).Fit(_ml.View(TestImages.Rows(4)));

    public void Dispose()
    {
        _transformer.Dispose();
        _folder.Dispose();
    }

    private sealed class KeyedRow
    {
        public string Key { get; set; } = "";

        [VectorType(2)]
        public float[] Values { get; set; } = [];

        [VectorType]
        public float[] Loose { get; set; } = [];

        public int Number { get; set; }
    }

    private sealed class PathRow
    {
        public string Path { get; set; } = "";
    }

    private string Photo(int seed)
    {
        string path = _folder.File($"{seed}.png");
        using var image = TestImages.Image(seed);
        image.Save(path);
        return path;
    }

    [Fact]
    public void AViewAndItsFilesGiveTheSameIndex()
    {
        string[] paths = [.. Enumerable.Range(0, 70).Select(Photo)];
        var ssl = _ml.SelfSupervised();
        var rows = _ml.Data.LoadFromEnumerable(paths.Select(path => new PathRow { Path = path }));
        var embedded = _transformer.Transform(_ml.Transforms.LoadImages("Image", imageFolder: null, "Path").Fit(rows)
            .Transform(rows));
        var (ofView, ofFiles) = (ssl.Index(embedded), ssl.Index(_transformer, paths));
        Assert.Equal(paths, ofView.Keys);
        Assert.Equal(paths, ofFiles.Keys);
        Assert.Equal(_transformer.Encoder.EmbeddingDimension, ofView.Dimension);
        for (int row = 0; row < paths.Length; row++)
            TestImages.AssertClose(ofView[row].ToArray(), ofFiles[row].ToArray());

        // A file finds itself, by its path, by its pixels and by its row; one that is
        // not in the index is added and found.
        Assert.Equal(paths[33], ofFiles.Search(_transformer, paths[33], 1).Single().Key);
        using var image = TestImages.Image(33, MLPixelFormat.Rgba32);
        var found = ofFiles.Search(_transformer, image, 4);
        Assert.Equal((paths[33], 1f), (found[0].Key, MathF.Round(found[0].Similarity, 5)));
        Assert.Equal(found.Skip(1).Select(n => n.Key), ofFiles.SearchRow(33, 3).Select(n => n.Key));
        string another = Photo(99);
        Assert.NotEqual(another, ofFiles.Search(_transformer, another, 1).Single().Key);
        ofFiles.Add(_transformer, [another]);
        Assert.Equal(another, ofFiles.Search(_transformer, another, 1).Single().Key);
        Assert.Contains("that of row 70",
            Assert.Throws<ArgumentException>(() => ofFiles.Add(_transformer, [another])).Message);
    }

    [Fact]
    public void ColumnsOfOtherTypesAreRefusedByName()
    {
        var view = _ml.Data.LoadFromEnumerable(new[] { new KeyedRow { Key = "a", Values = [1, 2] } });
        var ssl = _ml.SelfSupervised();
        Assert.Equal(1, ssl.Index(view, "Key", "Values").Count);
        Assert.Contains("'Path' among 'Key'", Message(() => ssl.Index(view, embeddingColumnName: "Values")));
        Assert.Contains("'Embedding' among", Message(() => ssl.Index(view, "Key")));
        Assert.Contains("key column 'Number': expected text", Message(() => ssl.Index(view, "Number", "Values")));
        Assert.Contains("'Loose': expected known-size vector of Single",
            Message(() => ssl.Index(view, "Key", "Loose")));
        Assert.Contains("expected Vector<Single, 3>", Message(() => new EmbeddingIndex(3).Add(view, "Key", "Values")));

        static string Message(Action action) => Assert.Throws<ArgumentOutOfRangeException>(action).Message;
    }

    [Fact]
    public void ARowThatCannotBeAddedIsNamedWithItsKey()
    {
        KeyedRow[] rows = [new() { Key = "a", Values = [1, 2] }, new() { Key = "b.jpg", Values = [1, float.NaN] },
            new() { Key = "a", Values = [1, 2] }];
        var index = new EmbeddingIndex(2);
        string message = Assert.Throws<InvalidOperationException>(() =>
            index.Add(_ml.Data.LoadFromEnumerable(rows), "Key", "Values")).Message;
        Assert.Contains("Row 1, 'b.jpg'", message);
        Assert.Contains("NaN", message);
        Assert.Equal(["a"], index.Keys);
        Assert.Contains("Row 0, 'a', cannot be added: The key 'a' is that of row 0",
            Assert.Throws<InvalidOperationException>(() =>
                index.Add(_ml.Data.LoadFromEnumerable(rows[2..]), "Key", "Values")).Message);
    }

    [Fact]
    public void AnIndexOfAnotherWidthIsRefused()
    {
        var index = new EmbeddingIndex(3);
        string path = Photo(1);
        Assert.Contains("the index's 3",
            Assert.Throws<ArgumentException>(() => index.Search(_transformer, path)).Message);
        Assert.Contains("the index's 3",
            Assert.Throws<ArgumentException>(() => index.Add(_transformer, [path])).Message);
    }

    [Fact]
    public void AFileThatIsNoImageIsNamedOrLeftOut()
    {
        string good = Photo(1), text = _folder.File("notes.jpg"), missing = _folder.File("missing.jpg");
        File.WriteAllText(text, "not a photo");
        var ssl = _ml.SelfSupervised();
        Assert.Contains(text,
            Assert.Throws<InvalidOperationException>(() => ssl.Index(_transformer, [good, text])).Message);
        Assert.Contains(missing,
            Assert.Throws<InvalidOperationException>(() => ssl.Index(_transformer, [missing])).Message);
        var leftOut = new List<string>();
        var index = ssl.Index(_transformer, [missing, good, text], (path, reason) =>
            leftOut.Add(path + (reason.Message.Length > 0 ? "" : "!")));
        Assert.Equal([good], index.Keys);
        Assert.Equal([missing, text], leftOut);
        Assert.Contains(text, Assert.Throws<InvalidOperationException>(() => index.Search(_transformer, text)).Message);
    }

    [Fact]
    public void OfAwkwardFilesTheBrokenOnesAreLeftOut()
    {
        string[] paths = [.. Directory.GetFiles(RealData.Path("photos-awkward")).Order()];
        var ssl = _ml.SelfSupervised();
        Assert.Matches("(broken-header|truncated)",
            Assert.Throws<InvalidOperationException>(() => ssl.Index(_transformer, paths)).Message);
        var leftOut = new List<string>();
        var index = ssl.Index(_transformer, paths, (path, _) => leftOut.Add(Path.GetFileName(path)));
        Assert.Equal(["broken-header.png", "truncated.jpg", "truncated.png"], leftOut);
        Assert.Equal(paths.Length - 3, index.Count);
        string saved = _folder.File("awkward.index");
        index.Save(saved);
        Assert.Equal(index.Keys, EmbeddingIndex.Load(saved).Keys);
    }

    [Fact]
    public void ImagesKeepTheirColoursThereAndBack()
    {
        using var image = TestImages.Image(5, MLPixelFormat.Bgra32, width: 7, height: 3);
        var rgb = image.ToRgbImage();
        Assert.Equal(TestImages.Rgb(5, 7, 3), rgb.Pixels.ToArray());
        using var back = rgb.ToMLImage();
        Assert.Equal(image.GetBGRPixels, back.GetBGRPixels);
        rgb.Save(_folder.File("a.png"));
        using var read = MLImage.CreateFromFile(_folder.File("a.png"));
        Assert.Equal(rgb.Pixels.ToArray(), read.ToRgbImage().Pixels.ToArray());
    }
}
