using Microsoft.ML;
using Microsoft.ML.Data;
using SkiaSharp;

namespace MLNet.Ssl.Tests;

/// <summary>What ML.NET and SkiaSharp do that the product leans on or works around: a failure here says that a
/// new version does otherwise.</summary>
public sealed class PackageFactsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new(seed: 1);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TransformerScope.Everything, true)]
    [InlineData(TransformerScope.Scoring, true)]
    [InlineData(TransformerScope.TrainTest, false)]
    [InlineData(TransformerScope.Testing, false)]
    [InlineData(TransformerScope.None, false)]
    public void AChainsTransformLeavesOutWhatIsNotOfScopeScoring(TransformerScope scope, bool stays)
    {
        var view = _ml.View(TestImages.Rows(2));
        using var chain = _ml.Transforms.CopyColumns("First", "Number")
            .Append(_ml.Transforms.CopyColumns("Second", "Number"), scope).Fit(view);
        Assert.Equal(2, chain.Count());
        var schema = chain.Transform(view).Schema;
        Assert.NotNull(schema.GetColumnOrNull("First"));
        Assert.Equal(stays, schema.GetColumnOrNull("Second") is not null);
        // Its schema agrees with what it does.
        Assert.Equal(stays, chain.GetOutputSchema(view.Schema).GetColumnOrNull("Second") is not null);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void DisposingAPredictionEngineDisposesTheTransformerUnlessItIsToldNotTo(bool owns)
    {
        var view = _ml.View(TestImages.Rows(2));
        var watched = new Watched(_ml.Transforms.CopyColumns("Copy", "Number").Fit(view));
        Assert.True(new PredictionEngineOptions().OwnsTransformer);
        var engine = owns
            ? _ml.Model.CreatePredictionEngine<Numbered, Copied>(watched)
            : _ml.Model.CreatePredictionEngine<Numbered, Copied>(watched,
                new PredictionEngineOptions { OwnsTransformer = false });
        Assert.Equal(7, engine.Predict(new() { Number = 7 }).Copy);
        engine.Dispose();
        Assert.Equal(owns, watched.IsDisposed);
    }

    [Fact]
    public void DisposingAChainDisposesItsMembers()
    {
        var watched = new Watched(_ml.Transforms.CopyColumns("Copy", "Number").Fit(_ml.View(TestImages.Rows(2))));
        new TransformerChain<ITransformer>(watched).Dispose();
        Assert.True(watched.IsDisposed);
    }

    [Fact]
    public void ExtractPixelsDisposesOfTheLastImageThatItRead()
    {
        using MLImage first = TestImages.Image(1, width: 8, height: 8), last = TestImages.Image(2, width: 8, height: 8);
        var view = _ml.View([new ImageRow(0, first), new ImageRow(1, last)]);
        var pixels = _ml.Transforms.ExtractPixels("Pixels", "Image").Fit(view).Transform(view);
        using (var cursor = pixels.GetRowCursor([pixels.Schema["Pixels"]]))
        {
            for (int row = 0; row < 2; row++) Assert.Equal(3 * 8 * 8, Read<VBuffer<float>>(cursor, "Pixels").Length);
            Assert.Equal((8, 8), (first.Width, last.Width));
        }
        Assert.Equal(8, first.Width);
        Assert.Throws<InvalidOperationException>(() => last.Width);
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(4, false)]
    public void ResizeImagesHandsOnAnImageThatFitsAndDisposesOfItAtTheNextRow(int size, bool disposes)
    {
        using MLImage first = TestImages.Image(1, width: 8, height: 8),
            second = TestImages.Image(2, width: 8, height: 8);
        var view = _ml.View([new ImageRow(0, first), new ImageRow(1, second)]);
        var resized = _ml.Transforms.ResizeImages("Resized", size, size, "Image").Fit(view).Transform(view);
        using var cursor = resized.GetRowCursor([resized.Schema["Resized"]]);
        var get = cursor.GetGetter<MLImage>(resized.Schema["Resized"]);
        MLImage image = null!;
        cursor.MoveNext();
        get(ref image);
        Assert.Equal(disposes, ReferenceEquals(first, image));
        Assert.Equal(8, first.Width);
        cursor.MoveNext();
        get(ref image);
        if (disposes) Assert.Throws<InvalidOperationException>(() => first.Width);
        else Assert.Equal(8, first.Width);
        image.Dispose();
    }

    [Fact]
    public void ACacheLosesItsImages()
    {
        var view = _ml.View(TestImages.Rows(2));
        Assert.NotNull(view.Schema.GetColumnOrNull("Image"));
        var cached = _ml.Data.Cache(view);
        Assert.Null(cached.Schema.GetColumnOrNull("Image"));
        Assert.NotNull(cached.Schema.GetColumnOrNull("Label"));
    }

    [Fact]
    public void ColoursAreMultipliedByAlphaWhereAFileIsDecoded()
    {
        using var image = MLImage.CreateFromStream(new MemoryStream(Png(new SKColor(200, 100, 50, 128))));
        Assert.Equal(128, image.Pixels[3]);
        byte[] colours = [.. image.Pixels[..3].ToArray().Order()];
        Assert.Equal([25, 50, 100], colours);
        // What is clear is black, whatever colour the file has there.
        using var clear = MLImage.CreateFromStream(new MemoryStream(Png(new SKColor(200, 100, 50, 0))));
        Assert.Equal([0, 0, 0, 0], clear.Pixels[..4].ToArray());
    }

    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    public void AFileThatEndsEarlyLoadsHalfEmptyAndNobodySays(string format)
    {
        const int size = 128;
        using (var image = TestImages.Image(1, width: size, height: size)) image.Save(_folder.File("whole." + format));
        byte[] bytes = File.ReadAllBytes(_folder.File("whole." + format));
        File.WriteAllBytes(_folder.File("half." + format), bytes[..(bytes.Length / 2)]);
        var view = _ml.Data.LoadFromEnumerable([new Named { Name = "half." + format }]);
        var loaded = _ml.Transforms.LoadImages("Image", _folder.Path, "Name").Fit(view).Transform(view);
        using var cursor = loaded.GetRowCursor([loaded.Schema["Image"]]);
        using var half = Read<MLImage>(cursor, "Image");
        Assert.Equal((size, size), (half.Width, half.Height));
        int row = 4 * size;
        Assert.True(half.Pixels[..row].ToArray().Distinct().Count() > 50, "the upper half is the picture");
        Assert.False(half.Pixels[^row..].ContainsAnyExcept((byte)0), "the lower half is clear");
    }

    /// <summary>An image of one pixel whose colour is not multiplied by its alpha, as PNG has it.</summary>
    private static byte[] Png(SKColor colour)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(1, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.SetPixel(0, 0, colour);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static T Read<T>(DataViewRowCursor cursor, string column)
    {
        Assert.True(cursor.MoveNext());
        T value = default!;
        cursor.GetGetter<T>(cursor.Schema[column])(ref value);
        return value;
    }

    private sealed class Numbered
    {
        public int Number { get; set; }
    }

    private sealed class Copied
    {
        public int Copy { get; set; }
    }

    private sealed class Named
    {
        public string Name { get; set; } = "";
    }

    /// <summary>A transformer that tells whether it was disposed of.</summary>
    private sealed class Watched(ITransformer inner) : ITransformer, IDisposable
    {
        public bool IsDisposed { get; private set; }

        public bool IsRowToRowMapper => inner.IsRowToRowMapper;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inner.GetOutputSchema(inputSchema);

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => inner.GetRowToRowMapper(inputSchema);

        public IDataView Transform(IDataView input) => inner.Transform(input);

        void ICanSaveModel.Save(ModelSaveContext ctx) => inner.Save(ctx);

        public void Dispose() => IsDisposed = true;
    }
}
