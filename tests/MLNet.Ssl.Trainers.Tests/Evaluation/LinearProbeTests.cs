using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class LinearProbeTests
{
    private const int Classes = 4;

    private static (Tensor Features, Tensor Labels) Train => Blobs.Draw(Classes, 11, 0.7, 400, 21);

    private static (Tensor Features, Tensor Labels) Test => Blobs.Draw(Classes, 11, 0.7, 200, 22);

    [Theory]
    [InlineData(false, 0.0, 64, ProbeSchedule.CosineByEpoch)]
    [InlineData(true, 0.01, 64, ProbeSchedule.CosineByStep)]
    [InlineData(false, 0.02, 100, ProbeSchedule.Steps)]
    public void EveryRateMovesAsStochasticGradientDescentInPlainLoops(bool nesterov, double decay, int batch,
        ProbeSchedule schedule)
    {
        using var scope = NewDisposeScope();
        var (x, y) = Train;
        double[] rates = [0.05, 0.7];
        var options = new LinearProbeOptions
        {
            Epochs = 5,
            Schedule = schedule,
            Milestones = [0.4, 0.8],
            DecayFactor = 0.3,
            Nesterov = nesterov,
            WeightDecay = decay,
            Shuffles = false,
        };
        using var sweep = new LinearProbeSweep(zeros(Classes, Blobs.Width), zeros(Classes), options, rates);
        double[] losses = [];
        for (int epoch = 0; epoch < options.Epochs; epoch++) losses = sweep.Epoch(x, y, batch, epoch);
        for (int r = 0; r < rates.Length; r++)
        {
            var (weight, loss) = Naive(x.data<float>().ToArray(), y.data<long>().ToArray(), batch, rates[r], options);
            Assert.Equal(loss, losses[r], 1e-5);
            for (int c = 0; c < Classes; c++)
                for (int d = 0; d <= Blobs.Width; d++)
                    Assert.Equal(weight[c, d], (d < Blobs.Width ? sweep.Weight[r * Classes + c, d]
                        : sweep.Bias[r * Classes + c]).item<float>(), 2e-5);
        }
    }

    /// <summary>The formulas of the protocol, sample by sample; the bias is the last column.</summary>
    private static (double[,] Weight, double LastEpochLoss) Naive(float[] x, long[] y, int batch, double rate,
        LinearProbeOptions o)
    {
        const int Columns = Blobs.Width + 1;
        var (w, v) = (new double[Classes, Columns], new double[Classes, Columns]);
        int steps = (y.Length + batch - 1) / batch;
        double loss = 0;
        for (int step = 0; step < steps * o.Epochs; step++)
        {
            if (step % steps == 0) loss = 0;
            int first = step % steps * batch, size = Math.Min(batch, y.Length - first), epoch = step / steps;
            var g = new double[Classes, Columns];
            for (int i = first; i < first + size; i++)
            {
                double At(int d) => d < Blobs.Width ? x[i * Blobs.Width + d] : 1;
                var e = Enumerable.Range(0, Classes)
                    .Select(c => Math.Exp(Enumerable.Range(0, Columns).Sum(d => w[c, d] * At(d)))).ToArray();
                loss -= Math.Log(e[y[i]] / e.Sum()) / size / steps;
                for (int c = 0; c < Classes; c++)
                    for (int d = 0; d < Columns; d++) g[c, d] += (e[c] / e.Sum() - (c == y[i] ? 1 : 0)) * At(d) / size;
            }
            double factor = o.Schedule switch
            {
                ProbeSchedule.CosineByEpoch => 0.5 * (1 + Math.Cos(Math.PI * epoch / o.Epochs)),
                ProbeSchedule.CosineByStep => 0.5 * (1 + Math.Cos(Math.PI * step / (steps * o.Epochs))),
                _ => epoch >= 4 ? o.DecayFactor * o.DecayFactor : epoch >= 2 ? o.DecayFactor : 1,
            };
            for (int c = 0; c < Classes; c++)
                for (int d = 0; d < Columns; d++)
                {
                    double gradient = g[c, d] + o.WeightDecay * w[c, d];
                    v[c, d] = o.Momentum * v[c, d] + gradient;
                    w[c, d] -= rate * factor * (o.Nesterov ? gradient + o.Momentum * v[c, d] : v[c, d]);
                }
        }
        return (w, loss);
    }

    [Fact]
    public void LongTrainingReachesTheMaximumOfTheLikelihood()
    {
        // scikit-learn 1.2.1 on the same rows: LogisticRegression(penalty=None, tol=1e-12, solver="newton-cg").fit(X,
        // y) with X = centres[i % 4] + hash32(400·6, 21), centres = hash32(4·6, 11, 0.7); score(train), score(test),
        // log_loss(train), predict_proba(test)[:2].
        using var scope = NewDisposeScope();
        var (train, test) = (Train, Test);
        var options =
            new LinearProbeOptions { LearningRates = [0.5], ScalesLearningRate = false, BatchSize = 400, Epochs = 600 };
        using var probe = LinearProbe.Train(train.Features, train.Labels, Classes, options, test.Features, test.Labels);
        Assert.Equal(0.66, probe.Chosen.Accuracy, 6);
        Assert.Equal(0.7207339314653438, probe.Chosen.TrainingLoss, 1e-5);
        var probability = probe.Probabilities(test.Features).narrow(0, 0, 2).data<float>().ToArray();
        double[] expected = [8.36353196e-02, 4.47934326e-04, 5.41391518e-03, 9.10502831e-01, 6.52090233e-03,
            7.31526591e-01, 2.61419365e-01, 5.33142017e-04];
        Assert.All(expected.Zip(probability), p => Assert.Equal(p.First, p.Second, 5e-4));
    }

    [Fact]
    public void ASweepIsItsRatesOneByOne()
    {
        using var scope = NewDisposeScope();
        var (train, test) = (Train, Test);
        var options = new LinearProbeOptions
        {
            LearningRates = [0.01, 0.3, 1, 10],
            Epochs = 12,
            BatchSize = 48,
            KeepsBestEpoch = true
        };
        using var together =
            LinearProbe.Train(train.Features, train.Labels, Classes, options, test.Features, test.Labels);
        LinearProbeAccuracy[] alone = [.. options.LearningRates.Select(rate =>
        {
            using var one = LinearProbe.Train(train.Features, train.Labels, Classes,
                options with { LearningRates = [rate] }, test.Features, test.Labels);
            if (rate == together.Chosen.LearningRate)
                Assert.True(one.Score(test.Features).allclose(together.Score(test.Features), rtol: 1e-5, atol: 1e-6));
            return one.Chosen;
        })];
        Assert.Equal(alone.Select(a => a with { TrainingLoss = 0 }),
            together.Sweep.Select(a => a with { TrainingLoss = 0 }));
        Assert.All(alone.Zip(together.Sweep), p => Assert.Equal(p.First.TrainingLoss, p.Second.TrainingLoss, 1e-5));
        Assert.Equal(together.Sweep.Max(a => a.Accuracy), together.Chosen.Accuracy);
        Assert.Equal(4, together.Sweep.Select(a => a.TrainingLoss).Distinct().Count());
    }

    [Fact]
    public void TheSameSeedGivesTheSameWeightsAndAnotherSeedOthers()
    {
        using var scope = NewDisposeScope();
        var (train, test) = (Train, Test);
        Tensor Scores(int seed)
        {
            var options = new LinearProbeOptions { LearningRates = [0.1], Epochs = 3, BatchSize = 32, Seed = seed };
            using var probe = LinearProbe.Train(train.Features, train.Labels, Classes, options);
            return probe.Score(test.Features);
        }
        var first = Scores(5);
        Assert.Equal(first.data<float>().ToArray(), Scores(5).data<float>().ToArray());
        Assert.False(first.allclose(Scores(6), rtol: 1e-3));
    }

    [Fact]
    public void TheBestEpochIsKeptWhereTheProtocolKeepsIt()
    {
        // The last epochs' features are of another world: weights from before it are better.
        using var scope = NewDisposeScope();
        var (train, test) = (Train, Test);
        var options = new LinearProbeOptions
        {
            LearningRates = [1],
            Epochs = 6,
            BatchSize = 32,
            KeepsBestEpoch = true,
            Schedule = ProbeSchedule.Steps,
            Milestones = []
        };
        Tensor Features(int epoch) => epoch < 4 ? train.Features : train.Features.neg();
        using var best = LinearProbe.Train(Features, train.Labels, Classes, options, test.Features, test.Labels);
        using var last = LinearProbe.Train(Features, train.Labels, Classes, options with { KeepsBestEpoch = false },
            test.Features, test.Labels);
        Assert.InRange(best.Chosen.Epoch, 1, 4);
        Assert.Equal(6, last.Chosen.Epoch);
        Assert.True(best.Chosen.Accuracy > last.Chosen.Accuracy + 0.2,
            $"best {best.Chosen.Accuracy}, last {last.Chosen.Accuracy}");
        double again = (best.Score(test.Features).argmax(1) == test.Labels).to(float64).mean().item<double>();
        Assert.Equal(best.Chosen.Accuracy, again, 9);
    }

    [Fact]
    public void AnEpochPassesEveryRowOnceWhateverTheBatch()
    {
        // At momentum 0 and an immovable point, the sum of the steps' gradients is that of all rows.
        using var scope = NewDisposeScope();
        var (x, y) = Train;
        Tensor Moved(int batch)
        {
            var options =
                new LinearProbeOptions { Momentum = 0, Epochs = 1, Schedule = ProbeSchedule.Steps, Milestones = [] };
            using var sweep =
                new LinearProbeSweep(zeros(Classes, Blobs.Width), zeros(Classes), options, [1e-4 * batch]);
            sweep.Epoch(x, y, batch, 0);
            return sweep.Weight.clone();
        }
        Assert.True(Moved(400).allclose(Moved(50), rtol: 0.03, atol: 1e-5));
    }

    public static TheoryData<string, LinearProbeOptions, double, int, bool> Protocols => new()
    {
        // Name, options, rate at its own batch after scaling, epochs, best epoch: protocols 2a to 2m.
        { "DINO", LinearProbeOptions.Dino, 1e-4, 100, true },
        { "MoCo v2", LinearProbeOptions.MoCoV2, 30, 100, true },
        { "MoCo v3", LinearProbeOptions.MoCoV3, 0.4, 90, true },
        { "SimCLR", LinearProbeOptions.SimClr, 1.6, 90, false },
        { "SimCLR CIFAR-10", LinearProbeOptions.SimClrCifar10, 0.2, 100, false },
        { "BYOL", LinearProbeOptions.Byol, 3.2, 80, false },
        { "i-Mix", LinearProbeOptions.IMix, 1, 100, false },
        { "i-Mix ImageNet", LinearProbeOptions.IMixImageNet, 30, 100, false },
    };

    [Theory]
    [MemberData(nameof(Protocols))]
    public void ProtocolsHoldThePublishedValues(string name, LinearProbeOptions options, double firstRate, int epochs,
        bool best)
    {
        options.Validate();
        double scaled = options.LearningRates[0] * (options.ScalesLearningRate ? options.BatchSize / 256.0 : 1);
        Assert.Equal((name, firstRate, epochs, best),
            (name, Math.Round(scaled, 9), options.Epochs, options.KeepsBestEpoch));
    }

    [Fact]
    public void SchedulesFallWhereThePublishedOnesDo()
    {
        const int Steps = 10;
        double At(LinearProbeOptions o, int epoch, int step = 0) => o.RateFactor(epoch * Steps + step, Steps);
        Assert.Equal([1, 0.1, 0.01],
            new[] { 59, 60, 80 }.Select(e => Math.Round(At(LinearProbeOptions.MoCoV2, e, 9), 9)));
        Assert.Equal([1, 0.2, 0.04, 0.008],
            new[] { 79, 80, 90, 95 }.Select(e => Math.Round(At(LinearProbeOptions.IMix, e), 9)));
        Assert.Equal(At(LinearProbeOptions.Dino, 50), At(LinearProbeOptions.Dino, 50, 9));
        Assert.Equal(0.5, At(LinearProbeOptions.Dino, 50), 9);
        Assert.True(At(LinearProbeOptions.SimClr, 45, 1) < At(LinearProbeOptions.SimClr, 45));
    }

    [Theory]
    [InlineData(ProbeInitialization.Zeros, 0, 0)]
    [InlineData(ProbeInitialization.Normal, 0.01, 0.06)]
    [InlineData(ProbeInitialization.TruncatedNormal, 0.08796, 0.2001)]
    public void InitialWeightsHaveTheirDistribution(ProbeInitialization kind, double deviation, double most)
    {
        // A step too small to see leaves the initial weights; a normal of deviation 1/√100, cut at two
        // deviations, has 0.87962 of it left.
        using var scope = NewDisposeScope();
        var features = zeros(2, 100);
        var options = new LinearProbeOptions { LearningRates = [1e-30], Epochs = 1, Initialization = kind };
        using var probe = LinearProbe.Train(features, tensor(new long[] { 0, 1 }), 50, options);
        var weight = probe.Score(eye(100)).sub(probe.Score(zeros(1, 100)));
        Assert.Equal(deviation, weight.std().item<float>(), 0.02 * deviation);
        Assert.InRange(weight.abs().max().item<float>(), 0, most);
    }

    [Theory]
    [InlineData("LearningRates")]
    [InlineData("Epochs")]
    [InlineData("BatchSize")]
    [InlineData("Momentum")]
    [InlineData("WeightDecay")]
    [InlineData("Milestones")]
    [InlineData("DecayFactor")]
    [InlineData("Schedule")]
    [InlineData("Initialization")]
    public void OptionsOutOfRangeAreRefusedByName(string name)
    {
        var good = new LinearProbeOptions();
        LinearProbeOptions[] bad = name switch
        {
            "LearningRates" => [good with { LearningRates = [] }, good with { LearningRates = [1, 0] },
                good with { LearningRates = [double.NaN] }],
            "Epochs" => [good with { Epochs = 0 }],
            "BatchSize" => [good with { BatchSize = 0 }],
            "Momentum" => [good with { Momentum = 1 }, good with { Momentum = -0.1 }],
            "WeightDecay" => [good with { WeightDecay = -1 }],
            "Milestones" => [good with { Milestones = [1.5] }],
            "DecayFactor" => [good with { DecayFactor = 2 }],
            "Schedule" => [good with { Schedule = (ProbeSchedule)9 }],
            _ => [good with { Initialization = (ProbeInitialization)9 }],
        };
        var (x, y) = Train;
        Assert.All(bad, options => Assert.Equal(name,
            Assert.ThrowsAny<ArgumentException>(() => LinearProbe.Train(x, y, Classes, options, x, y)).ParamName));
    }

    [Fact]
    public void BadRowsAreRefusedByName()
    {
        using var scope = NewDisposeScope();
        var (x, y) = Train;
        var one = new LinearProbeOptions { LearningRates = [0.1], Epochs = 1 };
        string Refused(Tensor features, Tensor labels, int classes = Classes, LinearProbeOptions? options = null,
            Tensor? vx = null, Tensor? vy = null) =>
            Assert.ThrowsAny<ArgumentException>(() =>
                LinearProbe.Train(features, labels, classes, options ?? one, vx, vy)).Message;
        var notANumber = x.clone();
        notANumber.narrow(0, 7, 1).fill_(float.NaN);
        Assert.Contains("NaN", Refused(notANumber, y));
        Assert.Contains("(0, 6)", Refused(zeros(0, 6), zeros(0, dtype: ScalarType.Int64)));
        Assert.Contains("one for each of the 400", Refused(x, y.narrow(0, 0, 399)));
        Assert.Contains("between 0 and 2", Refused(x, y, 3));
        Assert.Contains("Int64", Refused(x, y.to(float32)));
        Assert.Contains("Float32", Refused(x.to(float64), y));
        Assert.Contains("All 400 labels are 0", Refused(x, zeros_like(y)));
        Assert.Contains("numberOfClasses", Refused(x, zeros_like(y), 1));
        Assert.Contains("validation", Refused(x, y, options: new()));
        Assert.Contains("validation", Refused(x, y, options: one with { KeepsBestEpoch = true }));
        Assert.Contains("expected (validationFeatures, 6)", Refused(x, y, vx: zeros(400, 5), vy: y));
        Assert.Contains("validationLabels", Refused(x, y, vx: x));
        using var probe = LinearProbe.Train(x, y, Classes, one);
        Assert.True(double.IsNaN(probe.Chosen.Accuracy));
        Assert.Contains("(features, 6)", Assert.Throws<ArgumentException>(() => probe.Score(zeros(3, 5))).Message);
    }

    [Fact]
    public void ARateThatDivergesGetsNothingRightAndIsNotChosen()
    {
        using var scope = NewDisposeScope();
        var (train, test) = (Train, Test);
        var options = new LinearProbeOptions { LearningRates = [1e39, 0.5], ScalesLearningRate = false, Epochs = 5 };
        using var probe = LinearProbe.Train(train.Features, train.Labels, Classes, options, test.Features, test.Labels);
        Assert.Equal((0.5, 0.0), (probe.Chosen.LearningRate, probe.Sweep[0].Accuracy));
        Assert.Contains("1E+39", Assert.Throws<InvalidOperationException>(
            () => LinearProbe.Train(train.Features, train.Labels, Classes, options with { LearningRates = [1e39] }))
                .Message);
    }

    [Fact]
    public void HoldingOutSparesRowsOfEveryClassAndTrainsOnAll()
    {
        using var scope = NewDisposeScope();
        var (train, test) = (Train, Test);
        var options = new LinearProbeOptions { LearningRates = [1e-9, 0.5], Epochs = 10 };
        using var probe = LinearProbe.TrainHoldingOut(train.Features, train.Labels, Classes, options, 0.25);
        using var direct =
            LinearProbe.Train(train.Features, train.Labels, Classes, options with { LearningRates = [0.5] });
        Assert.Equal(0.5, probe.Chosen.LearningRate);
        Assert.Equal(direct.Score(test.Features).data<float>().ToArray(),
            probe.Score(test.Features).data<float>().ToArray());
        Assert.Contains("held out", Assert.Throws<ArgumentException>(
            () => LinearProbe.TrainHoldingOut(train.Features, train.Labels, Classes, options, 0)).Message);
        Assert.Equal("fraction", Assert.ThrowsAny<ArgumentException>(
            () => LinearProbe.TrainHoldingOut(train.Features, train.Labels, Classes, options, 1)).ParamName);
    }

    [Fact]
    public void CancellingStopsTraining()
    {
        var (x, y) = Train;
        using var source = new CancellationTokenSource();
        int asked = 0;
        Tensor Features(int epoch)
        {
            if (++asked == 3) source.Cancel();
            return x;
        }
        var options = new LinearProbeOptions { LearningRates = [0.1], CancellationToken = source.Token };
        Assert.Throws<OperationCanceledException>(() => LinearProbe.Train(Features, y, Classes, options));
        Assert.Equal(3, asked);
    }
}
