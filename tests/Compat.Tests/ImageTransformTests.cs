using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using MLNet.Ssl.Tests;
using static Microsoft.ML.Transforms.Image.ImagePixelExtractingEstimator;
using static Microsoft.ML.Transforms.Image.ImageResizingEstimator;

namespace Compat.Tests;

public sealed class ImageTransformTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlimage").FullName;
    private readonly MLContext _ml = new(seed: 1);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private sealed class PathRow
    {
        public string Path { get; set; } = "";
    }

    private sealed class ImageRow
    {
        [ImageType(2, 3)]
        public MLImage? Image { get; set; }
    }

    private sealed class SizelessImageRow
    {
        [ImageType]
        public MLImage? Image { get; set; }
    }

    [Fact]
    public void ImageTypeWithoutASize_CannotBeLoaded() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(new[] { new SizelessImageRow() }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LoadImages_RelativePath_StartsFromTheFolder(bool relative)
    {
        using var image = Picture(5, 4);
        image.Save(Path.Combine(_folder, "a.png"));
        var data = Paths(relative ? "a.png" : Path.Combine(_folder, "a.png"));
        var loaded = _ml.Transforms.LoadImages("Image", relative ? _folder : null, "Path").Fit(data).Transform(data);
        Assert.Equal("Image", loaded.Schema["Image"].Type.ToString());
        Assert.Equal(image.GetBGRPixels, Images(loaded).Single()!.GetBGRPixels);
    }

    [Fact]
    public void LoadImages_EmptyPath_GivesNoImage() =>
        Assert.Null(Images(_ml.Transforms.LoadImages("Image", _folder, "Path").Fit(Paths("")).Transform(Paths(""))).Single());

    [Fact]
    public void LoadImages_MissingFile_ThrowsInThePassAndNamesIt()
    {
        var view = _ml.Transforms.LoadImages("Image", _folder, "Path").Fit(Paths("gone.png")).Transform(Paths("gone.png"));
        Assert.Contains(Path.Combine(_folder, "gone.png"), Assert.Throws<FileNotFoundException>(() => Images(view)).Message);
    }

    [SkippableFact]
    public void LoadImages_DamagedFile_ThrowsInThePassAndNamesIt()
    {
        var folder = RealData.Path("photos-awkward");
        var view = _ml.Transforms.LoadImages("Image", folder, "Path").Fit(Paths("x")).Transform(Paths("gray.jpg", "truncated.jpg"));
        Assert.Contains("truncated.jpg", Assert.Throws<InvalidDataException>(() => Images(view)).Message);
    }

    [Fact]
    public void LoadImages_NotText_IsRefusedByName()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new ImageRow() });
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.LoadImages("Loaded", _folder, "Image").Fit(data));
        Assert.Contains("'Image'", error.Message);
        Assert.Contains("String", error.Message);
    }

    [Fact]
    public void LoadImages_Getter_DisposesTheImageBefore()
    {
        using var image = Picture(5, 4);
        image.Save(Path.Combine(_folder, "a.png"));
        var view = _ml.Transforms.LoadImages("Image", _folder, "Path").Fit(Paths("a.png")).Transform(Paths("a.png", "a.png"));
        using var cursor = view.GetRowCursor([view.Schema["Image"]]);
        var getter = cursor.GetGetter<MLImage>(view.Schema["Image"]);
        MLImage? current = null;
        cursor.MoveNext();
        getter(ref current!);
        var first = current;
        cursor.MoveNext();
        getter(ref current!);
        Assert.NotSame(first, current);
        Assert.Throws<ObjectDisposedException>(() => first!.Pixels.Length);
    }

    [Fact]
    public void LoadRawImageBytes_GivesTheBytesOfTheFile()
    {
        File.WriteAllBytes(Path.Combine(_folder, "any.bin"), [1, 2, 3]);
        var view = _ml.Transforms.LoadRawImageBytes("Bytes", _folder, "Path").Fit(Paths("any.bin")).Transform(Paths("any.bin", ""));
        Assert.Equal("VarVector<Byte>", view.Schema["Bytes"].Type.ToString());
        Assert.Equal([[1, 2, 3], []], view.GetColumn<byte[]>("Bytes"));
    }

    [Fact]
    public void ResizeImages_Fill_TakesTheNearestPixel()
    {
        using var image = Picture(4, 2);
        using var resized = Resize(image, 2, 4, ResizingKind.Fill);
        // Columns 1 and 3, each row twice.
        foreach (var (x, y) in from x in Enumerable.Range(0, 2) from y in Enumerable.Range(0, 4) select (x, y))
            Assert.Equal(Pixel(image, 2 * x + 1, y / 2), Pixel(resized, x, y));
    }

    [Theory]
    [InlineData(Anchor.Left, 0)]
    [InlineData(Anchor.Center, 2)]
    [InlineData(Anchor.Right, 4)]
    [InlineData(Anchor.Top, 2)]
    public void ResizeImages_IsoCropOfAWideImage_KeepsTheSideOfTheAnchor(Anchor anchor, int left)
    {
        using var image = Picture(8, 4);
        using var resized = Resize(image, 4, 4, ResizingKind.IsoCrop, anchor);
        for (var i = 0; i < 16; i++) Assert.Equal(Pixel(image, left + i % 4, i / 4), Pixel(resized, i % 4, i / 4));
    }

    [Theory]
    [InlineData(Anchor.Top, 0)]
    [InlineData(Anchor.Center, 2)]
    [InlineData(Anchor.Bottom, 4)]
    public void ResizeImages_IsoCropOfATallImage_KeepsTheSideOfTheAnchor(Anchor anchor, int top)
    {
        using var image = Picture(4, 8);
        using var resized = Resize(image, 4, 4, ResizingKind.IsoCrop, anchor);
        for (var i = 0; i < 16; i++) Assert.Equal(Pixel(image, i % 4, top + i / 4), Pixel(resized, i % 4, i / 4));
    }

    [Fact]
    public void ResizeImages_IsoPad_CentersTheWholeImageOnEmptyPixels()
    {
        using var image = Picture(4, 2);
        using var resized = Resize(image, 4, 4, ResizingKind.IsoPad);
        for (var i = 0; i < 16; i++)
            Assert.Equal(i / 4 is 1 or 2 ? Pixel(image, i % 4, i / 4 - 1) : [0, 0, 0, 0], Pixel(resized, i % 4, i / 4));
    }

    [SkippableTheory]
    [InlineData(48, 36)]
    [InlineData(720, 540)]
    public void ResizeImages_AnotherSize_KeepsTheMeanColour(int width, int height)
    {
        using var image = MLImage.CreateFromFile(RealData.Path("photos-awkward/lossy.webp"));
        using var resized = Resize(image, width, height, ResizingKind.IsoCrop);
        Assert.Equal((width, height), (resized.Width, resized.Height));
        for (var colour = 0; colour < 3; colour++) Assert.Equal(Mean(image, colour), Mean(resized, colour), 1.0);

        static double Mean(MLImage image, int colour) => image.GetBGRPixels.Where((_, i) => i % 3 == colour).Average(value => value);
    }

    [Theory]
    [InlineData(MLPixelFormat.Bgra32)]
    [InlineData(MLPixelFormat.Rgba32)]
    public void ExtractPixels_Default_GivesPlanesOfRedGreenBlue(MLPixelFormat format)
    {
        using var image = Picture(3, 2, format);
        var view = Extract(image);
        Assert.Equal("Vector<Single, 3, 2, 3>", view.Schema["Pixels"].Type.ToString());
        Assert.Equal(Expected(image, "RGB", interleave: false), view.GetColumn<float[]>("Pixels").Single());
    }

    [Theory]
    [InlineData(ColorBits.Rgb, ColorsOrder.ABGR, true, "BGR")]
    [InlineData(ColorBits.All, ColorsOrder.ARGB, false, "ARGB")]
    [InlineData(ColorBits.All, ColorsOrder.AGBR, true, "AGBR")]
    [InlineData(ColorBits.Green, ColorsOrder.ARBG, false, "G")]
    [InlineData(ColorBits.Red | ColorBits.Blue, ColorsOrder.ABRG, false, "BR")]
    public void ExtractPixels_Order_IsThatOfTheLettersRestrictedToTheBits(ColorBits bits, ColorsOrder order, bool interleave, string letters)
    {
        using var image = Picture(3, 2);
        var view = Extract(image, bits, order, interleave);
        Assert.Equal(
            interleave ? $"Vector<Single, 2, 3, {letters.Length}>" : $"Vector<Single, {letters.Length}, 2, 3>", view.Schema["Pixels"].Type.ToString());
        Assert.Equal(Expected(image, letters, interleave), view.GetColumn<float[]>("Pixels").Single());
    }

    [Fact]
    public void ExtractPixels_OffsetAndScale_SubtractThenMultiply()
    {
        using var image = Picture(3, 2);
        var values = Extract(image, offset: 128, scale: 1 / 64f).GetColumn<float[]>("Pixels").Single();
        Assert.Equal(Expected(image, "RGB", interleave: false).Select(v => (v - 128) / 64), values);
    }

    [Fact]
    public void ExtractPixels_NotAsFloats_GivesBytes()
    {
        using var image = Picture(3, 2);
        var data = _ml.Data.LoadFromEnumerable(new[] { new ImageRow { Image = image } });
        var view = _ml.Transforms.ExtractPixels("Pixels", "Image", outputAsFloatArray: false).Fit(data).Transform(data);
        Assert.Equal("Vector<Byte, 3, 2, 3>", view.Schema["Pixels"].Type.ToString());
        Assert.Equal(Expected(image, "RGB", interleave: false).Select(v => (byte)v), view.GetColumn<byte[]>("Pixels").Single());
    }

    [Fact]
    public void ExtractPixels_UnknownSize_IsRefusedByName()
    {
        // Images from files are of any size.
        var data = _ml.Data.LoadFromEnumerable(new[] { new { Path = "a.png" } });
        var files = _ml.Transforms.LoadImages("Image", _folder, "Path").Fit(data).Transform(data);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ExtractPixels("Pixels", "Image").Fit(files));
        Assert.Contains("'Image'", error.Message);
        Assert.Contains("ResizeImages", error.Message);
    }

    [Fact]
    public void ExtractPixels_RowOfAnotherSize_NamesTheColumnAndBothSizes()
    {
        using var image = Picture(5, 5);
        var error = Assert.Throws<InvalidOperationException>(() => Extract(image).GetColumn<float[]>("Pixels").ToArray());
        Assert.Contains("'Image'", error.Message);
        Assert.Contains("5 x 5", error.Message);
        Assert.Contains("3 x 2", error.Message);
    }

    [SkippableFact]
    public void Chain_OfLoadResizeExtract_SavesAndLoads()
    {
        var data = Paths("alpha.png", "gray.jpg", "bitmap.bmp", "cmyk.jpg");
        var pipeline = _ml.Transforms.LoadImages("Image", RealData.Path("photos-awkward"), "Path")
            .Append(_ml.Transforms.ResizeImages("Image", 8, 6))
            .Append(_ml.Transforms.ExtractPixels("Pixels", "Image", offsetImage: 3, scaleImage: 0.5f, interleavePixelColors: true));
        var model = pipeline.Fit(data);
        var expected = model.Transform(data).GetColumn<float[]>("Pixels").ToArray();
        Assert.Equal(4, expected.Length);
        Assert.All(expected, values => Assert.Equal(6 * 8 * 3, values.Length));

        var path = Path.Combine(_folder, "model.zip");
        _ml.Model.Save(model, data.Schema, path);
        var loaded = new MLContext().Model.Load(path, out _);
        Assert.Equal(expected, loaded.Transform(data).GetColumn<float[]>("Pixels"));
    }

    [Fact]
    public void ImageDataViewType_EqualsBySize()
    {
        Assert.True(new ImageDataViewType(2, 3).Equals(new ImageDataViewType(2, 3)));
        Assert.False(new ImageDataViewType(2, 3).Equals(new ImageDataViewType(3, 2)));
        Assert.False(new ImageDataViewType().Equals(new ImageDataViewType(3, 2)));
        Assert.Equal("Image<2, 3>", new ImageDataViewType(2, 3).ToString());
        Assert.Equal(typeof(MLImage), new ImageDataViewType().RawType);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageDataViewType(0, 3));
    }

    private IDataView Paths(params string[] paths) => _ml.Data.LoadFromEnumerable(paths.Select(path => new PathRow { Path = path }));

    private static MLImage?[] Images(IDataView view)
    {
        using var cursor = view.GetRowCursor([view.Schema["Image"]]);
        var getter = cursor.GetGetter<MLImage>(view.Schema["Image"]);
        var images = new List<MLImage?>();
        while (cursor.MoveNext())
        {
            MLImage? image = null;
            getter(ref image!);
            images.Add(image);
        }

        return [.. images];
    }

    private MLImage Resize(MLImage image, int width, int height, ResizingKind kind, Anchor anchor = Anchor.Center)
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new ImageRow { Image = image } });
        var view = _ml.Transforms.ResizeImages("Image", width, height, resizing: kind, cropAnchor: anchor).Fit(data).Transform(data);
        Assert.Equal($"Image<{height}, {width}>", view.Schema["Image"].Type.ToString());
        return Images(view).Single()!;
    }

    private IDataView Extract(
        MLImage image, ColorBits bits = ColorBits.Rgb, ColorsOrder order = ColorsOrder.ARGB, bool interleave = false, float offset = 0, float scale = 1)
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new ImageRow { Image = image } });
        return _ml.Transforms.ExtractPixels("Pixels", "Image", bits, order, interleave, offset, scale).Fit(data).Transform(data);
    }

    // The colours differ from pixel to pixel; alpha stays full.
    private static MLImage Picture(int width, int height, MLPixelFormat format = MLPixelFormat.Bgra32)
    {
        var pixels = new byte[width * height * 4];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i % 4 == 3 ? 255 : i * 7);
        return MLImage.CreateFromPixels(width, height, format, pixels);
    }

    private static byte[] Pixel(MLImage image, int x, int y) => image.Pixels.Slice((y * image.Width + x) * 4, 4).ToArray();

    private static float[] Expected(MLImage image, string letters, bool interleave)
    {
        var inPixel = image.PixelFormat == MLPixelFormat.Bgra32 ? "BGRA" : "RGBA";
        var positions = Enumerable.Range(0, image.Width * image.Height);
        var pixels = image.Pixels.ToArray();
        float Value(int position, char letter) => pixels[position * 4 + inPixel.IndexOf(letter)];
        return interleave
            ? [.. positions.SelectMany(p => letters.Select(c => Value(p, c)))]
            : [.. letters.SelectMany(c => positions.Select(p => Value(p, c)))];
    }
}
