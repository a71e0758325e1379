using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public sealed class IntraOpThreadsTests
{
    [Fact]
    public void TheNumberIsSetForAScopeAndThenAsBefore()
    {
        int before = get_num_threads();
        using (IntraOpThreads.Use(before + 1)) Assert.Equal(before + 1, get_num_threads());
        Assert.Equal(before, get_num_threads());
    }

    [Fact]
    public void APredictionGivesTheSameBitsOnAThreadOfAnotherNumber()
    {
        using var encoder = Encoders.Transformer();
        var image = Images.Random(48, 48, 7);
        float[] expected = Embed(1), actual = Embed(2);
        Assert.Equal(expected, actual);

        float[] Embed(int threads)
        {
            float[] result = new float[encoder.EmbeddingDimension];
            var thread = new Thread(() =>
            {
                using var number = IntraOpThreads.Use(threads);
                encoder.Embed([image], result);
                Assert.Equal(threads, get_num_threads());
            });
            thread.Start();
            thread.Join();
            return result;
        }
    }
}
