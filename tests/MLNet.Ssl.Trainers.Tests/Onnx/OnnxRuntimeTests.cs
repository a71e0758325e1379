namespace MLNet.Ssl.Tests;

/// <summary>Exported files, run by ONNX Runtime, give the encoder's embeddings.</summary>
public class OnnxRuntimeTests
{
    private const float Tolerance = 1e-5f;

    [Theory]
    [InlineData("DINO transformer", 32)]
    [InlineData("DINO transformer", 48)]
    [InlineData("DINO transformer", 30)]
    [InlineData("MoCo v3 transformer", 32)]
    [InlineData("MoCo v3 transformer", 20)]
    [InlineData("ResNet-18, small stem", 32)]
    [InlineData("ResNet-34, small stem of stride 2", 33)]
    [InlineData("ResNet-50", 64)]
    [InlineData("ResNet-50", 75)]
    [InlineData("ResNet-101", 32)]
    [InlineData("ResNet-152", 32)]
    [InlineData("SimCLR v2's ResNet-50 with selective kernels", 64)]
    [InlineData("SimCLR v2's ResNet-50 with selective kernels", 75)]
    [InlineData("MoCo v3 transformer, convolutional stem", 64)]
    [InlineData("MoCo v3 transformer, convolutional stem", 50)]
    public void TheRuntimeGivesTheEncodersEmbeddings(string network, int size) =>
        Compare(OnnxNetworks.Create(network), size);

    [Theory]
    [InlineData("perceptron")]
    [InlineData("perceptron of three inputs")]
    [InlineData("perceptron of numbers in bins")]
    [InlineData("perceptron of numbers in waves")]
    public void TheRuntimeGivesTheEmbeddingsOfRows(string network)
    {
        using var folder = new TemporaryFolder();
        using var encoder = (TableEncoder)OnnxNetworks.Encoder(network);
        encoder.ExportOnnx(folder.File("model.onnx"));
        using var model = new OnnxRun(folder.File("model.onnx"));
        var random = new Random(1);
        float[][] rows = [.. Enumerable.Range(0, 3)
            .Select(_ => Enumerable.Range(0, encoder.Columns).Select(_ => random.NextSingle()).ToArray())];
        var expected = new float[3 * encoder.EmbeddingDimension];
        encoder.Embed(rows, expected);
        Assert.Equal(("row", "embedding"), (model.Input.Name, model.Output.Name));
        AssertClose(expected, model.Run([.. rows.SelectMany(r => r)], 3, encoder.Columns), encoder.EmbeddingDimension);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(1000)]
    public void TheRuntimeTakesSlotsToTheNormalDistributionAsTheEncoderDoes(int quantiles)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(1);
        // A heavy tail, ties at the end and within, and an indicator.
        float[][] Rows(int count) => [.. Enumerable.Range(0, count).Select(i => new[]
        {
            MathF.Exp(3 * random.NextSingle()), random.Next(2), Math.Max(0, random.Next(-9, 10)), random.Next(5),
            (float)(random.NextDouble() - 0.5), 1e6f + random.Next(1000), random.NextSingle(),
        })];
        var rows = Rows(2000);
        using var table = new TableStore(rows.SelectMany(row => row).ToArray(), 7);
        var facts = TableFacts.Of(table);
        using var encoder = new TableEncoder(OnnxNetworks.Create("perceptron"),
            TablePreprocessing.Standardize(table, facts, facts.Continuous, quantiles));
        encoder.ExportOnnx(folder.File("model.onnx"));
        using var model = new OnnxRun(folder.File("model.onnx"));
        rows = [.. rows[..500], .. Rows(500), new float[7], [1e30f, 1, 1e30f, 1e30f, 1e30f, 1e30f, 1e30f],
            [-1e30f, 0, -1e30f, -1e30f, -1e30f, -1e30f, -1e30f]];
        var expected = new float[rows.Length * encoder.EmbeddingDimension];
        encoder.Embed(rows, expected);
        AssertClose(expected, model.Run([.. rows.SelectMany(r => r)], rows.Length, 7), encoder.EmbeddingDimension);
    }

    [Fact]
    public void ATrainedEncoderIsExported()
    {
        var images = new ImageStore();
        foreach (var image in OnnxNetworks.Images(32, 16)) images.Add(image.Pixels.Span, 16, 16);
        var options = new SimClrOptions
        {
            Epochs = 1,
            BatchSize = 16,
            ImageSize = 16,
            Threads = 1,
            Backbone = new ResNetOptions { BlocksPerStage = [1, 1], Width = 8, Stem = ResNetStem.Small },
        };
        using var encoder = Pretrainer.Fit(images, options);
        Compare(encoder, 16);
    }

    private static void Compare(Backbone network, int crop)
    {
        using var encoder =
            new ImageEncoder(network, ImagePreprocessing.For(crop) with { Normalization = Normalization.Cifar10 });
        Compare(encoder, crop);
    }

    private static void Compare(ImageEncoder encoder, int crop)
    {
        using var folder = new TemporaryFolder();
        encoder.ExportOnnx(folder.File("model.onnx"));
        using var model = new OnnxRun(folder.File("model.onnx"));
        int size = encoder.Preprocessing.Resize!.Value, width = encoder.EmbeddingDimension;
        Assert.Equal(("image", "embedding"), (model.Input.Name, model.Output.Name));
        Assert.Equal([-1, 3, size, size], model.Input.Shape);
        Assert.Equal([-1, width], model.Output.Shape);
        Assert.Equal($"{crop}", model.Metadata["crop_size"]);

        foreach (int batch in new[] { 1, 3 })
        {
            var images = OnnxNetworks.Images(batch, size);
            var expected = new float[batch * width];
            encoder.Embed(images, expected);
            var actual = model.Run(OnnxNetworks.Planes(images), batch, 3, size, size);
            AssertClose(expected, actual, width);
        }
    }

    private static void AssertClose(float[] expected, float[] actual, int width)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i], expected[i] - Tolerance, expected[i] + Tolerance);
        // Equal embeddings of different rows, or of no size, would prove nothing.
        if (expected.Length > width) Assert.True(Enumerable.Range(0, width)
            .Max(i => Math.Abs(expected[i] - expected[i + width])) > 1000 * Tolerance);
    }
}
