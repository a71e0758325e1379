using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>The pipeline of docs/onnx.md, with ONNX Runtime called directly in the place of ApplyOnnxModel.</summary>
public sealed class OnnxPipelineTests : IDisposable
{
    private const int Size = 64, Crop = 56;

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly EmbeddingTransformer _transformer;

    public OnnxPipelineTests()
    {
        _transformer = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained with { ImageSize = Crop })
            .Fit(_ml.View(TestImages.Rows(4)));
        _transformer.ExportOnnx(_folder.File("encoder.onnx"));
    }

    public void Dispose()
    {
        _transformer.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void ResizedAndExtractedPixelsGiveTheTransformersEmbeddings()
    {
        using var model = new OnnxRun(_folder.File("encoder.onnx"));
        string[] names = ["0.png", "1.png", "2.png"];
        for (int i = 0; i < names.Length; i++)
            TestImages.Image(i, width: Size, height: Size).Save(_folder.File(names[i]));
        var paths = _ml.Data.LoadFromEnumerable(names.Select(name => new { Label = name }));
        var view = _ml.Transforms.LoadImages("Image", _folder.Path, "Label")
            .Append(_ml.Transforms.ResizeImages("Resized", Size, Size, "Image"))
            .Append(_ml.Transforms.ExtractPixels("image", "Resized"))
            .Fit(paths).Transform(paths);

        Assert.Equal([3, Size, Size],
            Assert.IsType<VectorDataViewType>(view.Schema["image"].Type).Dimensions.ToArray());
        var expected = _ml.Embeddings(_transformer.Transform(view)).Select(row => row.Embedding).ToArray();
        var pixels = view.GetColumn<VBuffer<float>>("image").Select(v => v.DenseValues().ToArray()).ToArray();
        Assert.Equal(3, pixels.Length);
        for (int i = 0; i < pixels.Length; i++)
            TestImages.AssertClose(expected[i], model.Run(pixels[i], 1, 3, Size, Size), 1e-5f);
        Assert.True(expected[0].Zip(expected[1], (a, b) => Math.Abs(a - b)).Max() > 1e-3);
    }

    [Fact]
    public void ADisposedTransformerExportsNothing()
    {
        var transformer = _ml.SelfSupervised().Pretrain(options: TestImages.Untrained)
            .Fit(_ml.View(TestImages.Rows(4)));
        transformer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => transformer.ExportOnnx(_folder.File("other.onnx")));
    }
}
