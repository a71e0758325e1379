using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What mixing must keep, whatever the sizes.</summary>
public class MixingTests
{
    private const int Height = 9, Width = 12;

    [Property(MaxTest = 40)]
    public void AShareOfOneIsTheUnmixedLoss(byte size, byte seed)
    {
        using var s = new Draw(2 + size % 14, seed);
        var partners = s.Random.Permutation(s.Rows);
        foreach (var (loss, labels) in s.Losses())
            Same(loss(SoftTargets.Mixed(partners, [1f], CPU)), loss(labels));
    }

    [Property(MaxTest = 40)]
    public void MixingWithOneselfIsTheUnmixedLoss(byte size, byte seed)
    {
        using var s = new Draw(2 + size % 14, seed);
        long[] identity = [.. Enumerable.Range(0, s.Rows).Select(i => (long)i)];
        foreach (var (loss, labels) in s.Losses())
            Same(loss(SoftTargets.Mixed(identity, s.Shares(), CPU)), loss(labels));
        Assert.True(s.Images.allclose(Mixers.Mixup(s.Images, s.Images, s.Shares()), 1e-5, 1e-6));
    }

    [Property(MaxTest = 40)]
    public void TheLossIsLinearInTheShare(byte size, byte seed)
    {
        using var s = new Draw(2 + size % 14, seed);
        var partners = s.Random.Permutation(s.Rows);
        float share = (float)s.Random.Uniform();
        foreach (var (loss, _) in s.Losses())
        {
            double At(float value) => loss(SoftTargets.Mixed(partners, [value], CPU)).ToSingle();
            Assert.Equal(share * At(1) + (1 - share) * At(0), At(share), tolerance: 1e-4);
        }
    }

    [Fact]
    public void ScoresFarBehindTheBestAreMixedToo()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new float[] { 0, 10, 400, 10, 0, 400 }, [2, 3]).requires_grad_();
        foreach (var (share, expected) in new[] { (0.25f, 400 - Math.Log(0.25 + 0.75 * Math.Exp(10))), (1f, 400.0) })
        {
            var loss = Contrast.LogMixture(logits, SoftTargets.Mixed([1, 0], [share], CPU));
            Assert.Equal(expected, loss.ToSingle(), 1e-3);
            Assert.Equal(0, autograd.grad([loss], [logits])[0].sum().ToSingle(), 1e-5);
        }
    }

    [Property(MaxTest = 40)]
    public void LabelsOfTheQueueFormAreInRange(byte size, byte seed)
    {
        using var s = new Draw(2 + size % 14, seed);
        using var queue = new NegativeQueue(8, 2 * s.Rows, s.Generator, CPU);
        var logits = Contrast.BatchAndQueueLogits(s.Queries, s.Keys, queue.Columns, 0.2);
        Assert.Equal(new long[] { s.Rows, 3 * s.Rows }, logits.shape);
        // The own key and its column of the N-pair form agree.
        Assert.True(logits.narrow(1, 0, s.Rows).allclose(Contrast.Logits(s.Queries, s.Keys, 0.2), 1e-4, 1e-5));
    }

    [Property(MaxTest = 40)]
    public void AQueueForgetsItsRandomBeginning(byte size, byte batches, byte seed)
    {
        int batch = 1 + size % 6, length = batch * (1 + batches % 5);
        using var s = new Draw(batch, seed);
        using var queue = new NegativeQueue(8, length, s.Generator, CPU);
        Assert.True(queue.Columns.norm(0).sub(1).abs().max().ToSingle() < 1e-5);
        var all = new List<Tensor>();
        for (int i = 0; i < length / batch; i++)
        {
            all.Add(NtXent.Normalize(randn([batch, 8], generator: s.Generator)));
            queue.Enqueue(all[^1]);
        }
        Assert.True(cat(all, 0).t().allclose(queue.Columns));
        Assert.Equal(0, queue.Pointer);
    }

    [Fact]
    public void AQueueThatIsNoMultipleOfTheBatchIsRefused()
    {
        using var s = new Draw(4, 1);
        using var queue = new NegativeQueue(8, 6, s.Generator, CPU);
        var error = Assert.Throws<ArgumentException>(() => queue.Enqueue(s.Keys));
        Assert.Contains("6", error.Message);
        Assert.Contains("4", error.Message);
    }

    [Property(MaxTest = 40)]
    public void AtTheBeginningMoCosLossIsNearLnOfItsChoices(byte seed)
    {
        using var s = new Draw(32, seed);
        using var queue = new NegativeQueue(8, 512, s.Generator, CPU);
        double loss = Contrast.CrossEntropy(Contrast.QueueLogits(s.Queries, s.Keys, queue.Columns, 1),
            SoftTargets.First(s.Rows, CPU)).ToSingle();
        Assert.InRange(loss, Math.Log(513) - 0.3, Math.Log(513) + 0.4);
    }

    [Property(MaxTest = 40)]
    public void WhatTwoMixedImagesShareFollowsTheirShares(byte half, byte seed)
    {
        using var s = new Draw(2 * (1 + half % 8), seed);
        var shares = s.Shares();
        var common = Sdmp.Common(shares);
        for (int i = 0; i < shares.Length; i++)
        {
            float other = shares[^(i + 1)];
            Assert.Equal(Math.Min(shares[i], 1 - other) + Math.Min(1 - shares[i], other), common[i], tolerance: 1e-5f);
            Assert.Equal(common[i], common[^(i + 1)]);
        }
        // Weights of a row sum to 1: constant scores stay what they are.
        var constant = ones(shares.Length, shares.Length);
        Assert.True(Sdmp.SourceTargets(shares, CPU).Weigh(constant).allclose(ones(shares.Length)));
        Assert.True(Sdmp.MixedTargets(shares, CPU).Weigh(constant).allclose(ones(shares.Length)));
    }

    [Fact]
    public void SharesOfTheSameContentAreRecognised()
    {
        Assert.Equal([1f, 1f], Sdmp.Common([0.5f, 0.5f]));
        Assert.Equal([0f, 0f], Sdmp.Common([1f, 1f]));
        Assert.Equal(1f, Sdmp.Common([0.3f, 0.7f])[0], 5);
        using var scope = NewDisposeScope();
        // λc = 1 gives targets of a half each, λc = 0 hard ones.
        var scores = tensor(new float[] { 1, 3, 5, 9 }, [2, 2]);
        Assert.Equal([2f, 7f], Sdmp.MixedTargets([0.5f, 0.5f], CPU).Weigh(scores).data<float>().ToArray());
        Assert.Equal([1f, 9f], Sdmp.MixedTargets([1f, 1f], CPU).Weigh(scores).data<float>().ToArray());
    }

    [Property(MaxTest = 40)]
    public void BoxesLieInsideAndLeaveTheShareTheySay(byte seed)
    {
        var random = new HostRandom(seed);
        float share = 0.1f + 0.8f * (float)random.Uniform();
        var around = MixBox.Around(random.Below(Height), random.Below(Width), Height, Width, share);
        foreach (var box in new[] { MixBox.Inside(Height, Width, share, random), around })
        {
            Assert.True(box.Top >= 0 && box.Left >= 0 && box.Bottom <= Height && box.Right <= Width
                && box.Top <= box.Bottom && box.Left <= box.Right);
            using var scope = NewDisposeScope();
            var cut = Mixers.CutMix(zeros(1, 1, Height, Width), ones(1, 1, Height, Width), [box]);
            Assert.Equal((double)box.Share(Height, Width), 1 - cut.mean().ToSingle(), tolerance: 1e-5);
        }
    }

    [Property(MaxTest = 40)]
    public void SdmpsMixesKeepTheSharesTheyTell(byte half, byte seed)
    {
        using var s = new Draw(2 * (1 + half % 4), seed);
        foreach (var mixer in Enum.GetValues<Mixer>())
        {
            var draw = new Sdmp(new SdmpOptions { Mixer = mixer }, s.Rows, Height, Width, s.Random);
            Assert.All(draw.Shares, share => Assert.InRange(share, 0.09f, 1f));
            // Ones in the first half and zeros in the second: the mean of a mixed image is the share of the ones in it.
            var images = cat([ones(s.Rows / 2, 1, Height, Width), zeros(s.Rows / 2, 1, Height, Width)], 0);
            var means = draw.Mix(images, s.Random).mean([1, 2, 3]).data<float>().ToArray();
            for (int i = 0; i < s.Rows; i++)
                Assert.Equal(i < s.Rows / 2 ? draw.Shares[i] : 1 - draw.Shares[i], means[i], tolerance: 1e-4f);
        }
    }

    [Property(MaxTest = 40)]
    public void InputMixKeepsAtLeastHalfOfAnInput(byte auxiliaries, byte seed)
    {
        var random = new HostRandom(seed);
        var weights =
            IMix.InputMixCoefficients(Array.ConvertAll(random.Dirichlet(1, 2 + auxiliaries % 4), v => (float)v));
        Assert.Equal(1.0, weights.Sum(), tolerance: 1e-5);
        Assert.True(weights[0] >= 0.5f);
    }

    [Fact]
    public void BetaHasItsMomentsForLargeAndSmallParameters()
    {
        var random = new HostRandom(5);
        foreach (double alpha in new[] { 0.3, 1, 4 })
        {
            var drawn = Enumerable.Range(0, 20_000).Select(_ => random.Beta(alpha)).ToArray();
            double mean = drawn.Average(), variance = drawn.Average(v => (v - mean) * (v - mean));
            Assert.Equal(0.5, mean, 0.01);
            Assert.Equal(1 / (4 * (2 * alpha + 1)), variance, 0.005);
        }
        Assert.All(Enumerable.Range(0, 100), _ => Assert.InRange(random.Beta(1e-4), 0, 1));
    }

    [Property(MaxTest = 40)]
    public void ByolsLossIsZeroForEqualAndEightForOppositeViews(byte size, byte seed)
    {
        using var s = new Draw(2 + size % 14, seed);
        var labels = SoftTargets.Diagonal(s.Rows, CPU);
        // Both directions.
        double Loss(Tensor prediction, Tensor target) =>
            2 * Contrast.SquaredDistance(Contrast.Logits(prediction, target), labels).ToSingle();
        Assert.Equal(0, Loss(s.Queries, s.Queries * 3), 4);
        Assert.Equal(8, Loss(s.Queries, -s.Queries), 4);
    }

    [Fact]
    public void TheNPairFormIsNotSymmetric()
    {
        using var s = new Draw(6, 3);
        Assert.NotEqual(SimClr.NPair(s.Queries, s.Keys, 0.2).ToSingle(),
            SimClr.NPair(s.Keys, s.Queries, 0.2).ToSingle(), 1e-3);
    }

    [Fact]
    public void SharesOutsideOfZeroToOneAreRefused()
    {
        using var s = new Draw(2, 1);
        Assert.Contains("λ is 1.5",
            Assert.ThrowsAny<ArgumentException>(() => Mixers.Mixup(s.Images, s.Images, [1.5f])).Message);
        Assert.Contains("λ is -0.5",
            Assert.ThrowsAny<ArgumentException>(() => SoftTargets.Mixed([1, 0], [-0.5f, 0.5f], CPU)).Message);
    }

    [Fact]
    public void BoxesInVectorsAreRefused()
    {
        using var s = new Draw(2, 1);
        var error = Assert.Throws<ArgumentException>(() => Mixers.CutMix(s.Keys, s.Keys, [default]));
        Assert.Contains("CutMix needs images (B,C,H,W); the input is (2,8)", error.Message);
        Assert.Contains("ResizeMix needs images",
            Assert.Throws<ArgumentException>(() => Mixers.ResizeMix(s.Keys, s.Keys, [default])).Message);
    }

    [Property(MaxTest = 40)]
    public void RowsAndTargetsAreMixedAlike(byte size, byte seed, bool shared)
    {
        using var s = new Draw(2 + size % 14, seed);
        var (mixed, targets) = new IMix(new() { Alpha = 2, SharedLambda = shared }).Mix(s.Queries, s.Random);
        // A mixed row is the targets' mean of the rows, so the own row prevails: nothing else of the batch comes in.
        Assert.True(mixed.allclose(targets.Mean(s.Queries), 1e-5, 1e-6));
        var identity = targets.Mean(eye(s.Rows));
        Assert.True(identity.sum(1).allclose(ones(s.Rows)));
        Assert.True(identity.mul(eye(s.Rows)).sum(1).min().ToSingle() >= 0.5f - 1e-6f);
        Assert.True(identity.gt(0).sum(1).max().ToInt64() <= 2);
    }

    [Property(MaxTest = 40)]
    public void IndicatorsOfATableStaySharesOfOne(byte size, byte seed)
    {
        using var s = new Draw(2 + size % 14, seed);
        // Three continuous slots and a one-hot code of four.
        var rows = cat([s.Queries.narrow(1, 0, 3),
            eye(4).index_select(0, randint(4, [s.Rows], ScalarType.Int64, generator: s.Generator))], 1);
        var masked = MaskingNoise.Apply(rows, rand(rows.shape, generator: s.Generator),
            MaskingNoise.Probabilities(7, [0, 1, 2], 0.4));
        Assert.True(masked.narrow(1, 3, 4).equal(rows.narrow(1, 3, 4)).all().item<bool>());
        var mix = new IMix(new() { InputMix = new() });
        var (first, second) = mix.MixInputs(masked, rows, s.Random);
        foreach (var mixed in new[] { mix.Mix(first, s.Random).Mixed, second })
        {
            var code = mixed.narrow(1, 3, 4);
            Assert.True(code.min().ToSingle() >= 0 && code.sum(1).allclose(ones(s.Rows), 1e-4, 1e-5));
            Assert.True(mixed.abs().max().ToSingle() <= rows.abs().max().ToSingle() + 1e-5f);
        }
    }

    [Property(MaxTest = 40)]
    public void TheGradientWrittenOutIsAutograds(byte size, byte seed)
    {
        using var s = new Draw(2 + size % 14, seed);
        using var queue = new NegativeQueue(8, 2 * s.Rows, s.Generator, CPU);
        double temperature = 0.05 + s.Random.Uniform();
        var keys = NtXent.Normalize(s.Keys);
        var targets = SoftTargets.Mixed(s.Random.Permutation(s.Rows), s.Shares(), CPU);
        Agree(q => QueueContrast.Loss(q, keys, queue.Columns, temperature, targets, SideBySide.InTurn),
            q => Contrast.CrossEntropy(Contrast.BatchAndQueueLogits(q, keys, queue.Columns, temperature), targets));
        Agree(q => QueueContrast.Loss(q, keys, queue.Columns, temperature, null, SideBySide.InTurn),
            q => Contrast.CrossEntropy(Contrast.QueueLogits(q, keys, queue.Columns, temperature),
                SoftTargets.First(s.Rows, CPU)));

        void Agree(Func<Tensor, Tensor> written, Func<Tensor, Tensor> automatic)
        {
            (Tensor Loss, Tensor Gradient) Of(Func<Tensor, Tensor> loss)
            {
                var q = s.Queries.detach().clone().requires_grad_();
                var value = loss(q);
                // Twice, as where a symmetric loss is a sum.
                return (value.detach(), autograd.grad([value + value], [q])[0]);
            }
            var (a, b) = (Of(written), Of(automatic));
            Same(a.Loss, b.Loss);
            Assert.True(a.Gradient.allclose(b.Gradient, 1e-3, 1e-5), "the gradients differ");
        }
    }

    private static void Same(Tensor a, Tensor b) =>
        Assert.Equal(b.ToSingle(), a.ToSingle(), 1e-4f * Math.Max(1, Math.Abs(b.ToSingle())));

    /// <summary>Random embeddings and images of a number of rows.</summary>
    private sealed class Draw : IDisposable
    {
        private readonly DisposeScope _scope = NewDisposeScope();

        public Draw(int rows, int seed)
        {
            Rows = rows;
            Random = new(seed);
            Generator = new((ulong)seed, CPU);
            Queries = randn([rows, 8], generator: Generator);
            Keys = randn([rows, 8], generator: Generator);
            Images = randn([rows, 2, Height, Width], generator: Generator);
        }

        public int Rows { get; }

        public HostRandom Random { get; }

        public Generator Generator { get; }

        public Tensor Queries { get; }

        public Tensor Keys { get; }

        public Tensor Images { get; }

        public float[] Shares() => [.. Enumerable.Range(0, Rows).Select(_ => (float)Random.Uniform())];

        /// <summary>The losses that take soft targets, with their hard ones.</summary>
        public IEnumerable<(Func<SoftTargets, Tensor> Loss, SoftTargets Labels)> Losses()
        {
            var labels = SoftTargets.Diagonal(Rows, CPU);
            var columns = NtXent.Normalize(randn([12, 8], generator: Generator)).t();
            yield return (t => SimClr.NPair(Queries, Keys, 0.2, t), labels);
            yield return (t =>
                Contrast.CrossEntropy(Contrast.BatchAndQueueLogits(Queries, Keys, columns, 0.2), t), labels);
            yield return (t => Contrast.SquaredDistance(Contrast.Logits(Queries, Keys), t), labels);
            yield return (t => MoCoV3.Loss(Queries, Keys, 0.2, t), labels);
        }

        public void Dispose()
        {
            Generator.Dispose();
            _scope.Dispose();
        }
    }
}
