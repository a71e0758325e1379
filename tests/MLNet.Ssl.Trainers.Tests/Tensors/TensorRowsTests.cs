using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public sealed class TensorRowsTests
{
    [Fact]
    public void TheViewsOfABatchBeyond2GiBAreAllRendered()
    {
        // 4,096 views of 224 pixels are 2.3 GiB, in single precision.
        const int Batch = 4096, Size = 224;
        using var scope = NewDisposeScope();
        var (images, pipeline) =
            (Patterns.Draw(2, 1).Images, new ViewPipeline([ViewRecipes.NoAugmentation(Size)], seed: 1, threads: 2));
        var views = pipeline.Render(images, [.. Enumerable.Range(0, Batch).Select(i => i % 2)], epoch: 0);
        var alone = pipeline.Render(images, [(Batch - 1) % 2], epoch: 0);
        Assert.Equal([Batch, 3, Size, Size], views[0].shape);
        Assert.True(views[0].select(0, Batch - 1).equal(alone[0][0]).all().item<bool>());
    }

    [Fact]
    public void ATensorOfValuesBeginsOnABoundaryOf64BytesAndIsWhole()
    {
        using var scope = NewDisposeScope();
        float[] values = [.. Enumerable.Range(0, 35).Select(i => (float)i)];
        var tensor = NativeTensor.Of(values, 5, 7);
        unsafe
        {
            fixed (byte* first = tensor.bytes) Assert.Equal(0, (nint)first % 64);
        }
        Assert.Equal(values, tensor.data<float>().ToArray());
        using var rows = new TensorRows(tensor);
        Assert.Equal([14, 15, 16, 17, 18, 19, 20], rows[2].ToArray());
    }
}
