using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class AttentionMapsExtensionsTests
{
    private readonly MLContext _ml = new(seed: 1);

    private EmbeddingTransformer Transformer(BackboneOptions backbone) =>
        _ml.SelfSupervised().Pretrain(options: TestImages.Untrained with { Backbone = backbone })
            .Fit(_ml.View(TestImages.Rows(4)));

    [Fact]
    public void MapsOfAFileAndOfAnImageAreTheSameAndAreWrittenAsPng()
    {
        using var folder = new TemporaryFolder();
        using var transformer = Transformer(new VisionTransformerOptions
        {
            ImageSize = 16,
            PatchSize = 4,
            EmbeddingDimension = 16,
            Depth = 2,
            Heads = 2
        });
        using var image = TestImages.Image(3, width: 20, height: 30);
        image.Save(folder.File("photo.png"));
        var ssl = _ml.SelfSupervised();
        var (ofFile, ofImage) = (ssl.AttentionMaps(transformer, folder.File("photo.png"), imageSize: 42),
            ssl.AttentionMaps(transformer, image, imageSize: 42));
        Assert.Equal((2, 10, 10), (ofFile.Heads, ofFile.Rows, ofFile.Columns));
        Assert.Equal(ofImage.Weights(1).ToArray(), ofFile.Weights(1).ToArray());

        var paths = ofFile.Save(Path.Combine(folder.Path, "new", "folder"), "photo");
        Assert.Equal(["photo.png", "photo-head0.png", "photo-head1.png"], paths.Select(Path.GetFileName));
        using var sheet = MLImage.CreateFromFile(paths[0]);
        Assert.Equal(ofFile.ContactSheet().Pixels.ToArray(), sheet.ToRgbImage().Pixels.ToArray());
        using var head = MLImage.CreateFromFile(paths[2]);
        Assert.Equal(ofFile.Overlay(1).Pixels.ToArray(), head.ToRgbImage().Pixels.ToArray());
    }

    [Fact]
    public void AResNetIsRefusedAndAnUnreadableFileNamed()
    {
        using var folder = new TemporaryFolder();
        using var transformer = Transformer(TestImages.Untrained.Backbone!);
        using var image = TestImages.Image(3);
        var ssl = _ml.SelfSupervised();
        Assert.Contains("no attention maps of a ResNet",
            Assert.Throws<NotSupportedException>(() => ssl.AttentionMaps(transformer, image)).Message);
        Assert.Contains("missing.png", Assert.Throws<InvalidOperationException>(() =>
            ssl.AttentionMaps(transformer, folder.File("missing.png"))).Message);
    }
}
