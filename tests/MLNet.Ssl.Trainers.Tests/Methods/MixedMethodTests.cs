using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Whole passes of mixed methods against their formulas, written out with what the pass drew.</summary>
public class MixedMethodTests
{
    private const int Rows = 6;

    private static readonly ResNetOptions TinyResNet =
        new() { BlocksPerStage = [1, 1], Width = 8, Stem = ResNetStem.Small };

    private static readonly StepClock Start = new(0, 4, 2);

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void MoCosMixedQueriesFindBothKeysInTheShareOfTheirInputs(int layer)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var mixing = new IMixOptions { Layers = [layer] };
        var options = Resolved(
            new MoCoOptions { QueueLength = 12, KeyMomentum = 0.7, BatchNormGroups = 1, Mixing = mixing }, TinyResNet);
        using var method = (MoCo)options.CreateMethod(generator, CPU, 1);
        Jitter(method.Pair.Target, generator, 0.1);
        var (first, second) = (Images(8, generator), Images(8, generator));
        var moved = method.Pair.Target.named_parameters().ToDictionary(p => p.name,
            p => (p.parameter * 0.7 + method.Pair.Online.state_dict()[p.name] * 0.3).detach());
        var columns = method.Queue.Columns.clone();
        var loss = Pass(method, first, second);

        foreach (var (name, parameter) in method.Pair.Target.named_parameters())
            Assert.True(moved[name].allclose(parameter, 1e-5, 1e-6), name);
        var (query, partners, shares) = Mixed(method.Pair.Online, first, layer);
        var keys = NtXent.Normalize(method.Pair.Target.Pass(second).Output);
        var log = NtXent.Normalize(query).matmul(cat([keys.t(), columns], 1)).div(0.2).log_softmax(1);
        Assert.Equal(Expected(log, partners, shares), loss, 1e-4f);
        method.AfterStep(Start);
        Assert.True(method.Queue.Columns.narrow(1, 0, Rows).allclose(keys.t(), 1e-4, 1e-5));
        Assert.True(method.Queue.Columns.narrow(1, Rows, Rows).allclose(columns.narrow(1, Rows, Rows)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void NPairsMixedAnchorsFindBothPositivesInTheShareOfTheirInputs(int layer)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var options = Resolved(
            new SimClrOptions { Loss = SimClrLoss.NPair, Mixing = new IMixOptions { Layers = [layer] } }, TinyResNet);
        using var method = (SimClr)options.CreateMethod(generator, CPU, 1);
        var (first, second) = (Images(8, generator), Images(8, generator));
        float loss = Pass(method, first, second);

        var (output, partners, shares) = Mixed(method.Network, cat([first, second], 0), layer);
        var z = NtXent.Normalize(output);
        var log = z.narrow(0, 0, Rows).matmul(z.narrow(0, Rows, Rows).t()).div(0.2).log_softmax(1);
        Assert.Equal(Expected(log, partners, shares), loss, 1e-4f);
    }

    [Theory]
    [InlineData(Mixer.Mixup)]
    [InlineData(Mixer.ResizeMix)]
    public void DinosMixedCropsMatchBothSourcesAndBothMixes(Mixer mixer)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var vit = new VisionTransformerOptions
        {
            ImageSize = 16,
            PatchSize = 4,
            EmbeddingDimension = 12,
            Depth = 2,
            Heads = 2
        };
        var mixing = new SdmpOptions { Mixer = mixer };
        var options = (DinoOptions)Resolved(new DinoOptions
        {
            Centering = DinoCentering.Mean,
            DropPathRate = 0,
            LocalCrops = 4,
            LocalSize = 8,
            OutputDimension = 10,
            HeadHiddenDimension = 8,
            HeadBottleneckDimension = 6,
            Mixing = mixing,
        }, vit);
        using var method = (Dino)options.CreateMethod(generator, CPU, 1);
        // As initialised, a small transformer hardly tells images apart.
        Jitter(method.Student, generator, 0.5);
        Jitter(method.Teacher, generator, 0.5);
        method.Loss.Center.copy_(randn([1, 10], generator: generator).mul(0.1));
        Tensor[] views =
            [Images(16, generator), Images(16, generator), .. Enumerable.Range(0, 4).Select(_ => Images(8, generator))];
        float loss = Pass(method, views);

        using var _ = no_grad();
        var random = Drawn();
        var draw = new Sdmp(mixing, Rows, 8, 8, random);
        Tensor[] mixedLocals = [draw.Mix(views[4], random), draw.Mix(views[5], random)];
        Tensor[] mixedGlobals = [draw.Mix(views[0], random), draw.Mix(views[1], random)];
        Tensor Teacher(Tensor view) => ((method.Teacher.call(view) - method.Loss.Center) / 0.04).softmax(1);
        Tensor Student(Tensor view) => (method.Student.call(view) / 0.1).log_softmax(1);
        double Cross(Tensor probabilities, Tensor log) => -(probabilities * log).sum([1]).mean().ToSingle();
        double Expected(Tensor share)
        {
            double expected = 0;
            for (int u = 0; u < 2; u++)
                for (int v = 0; v < 4; v++)
                    if (u != v) expected += Cross(Teacher(views[u]), Student(views[v])) / 6;
            var common = 1 - (share + share.flip(0) - 1).abs();
            foreach (var local in mixedLocals.Select(Student))
                for (int u = 0; u < 2; u++)
                {
                    var (clean, mixed) = (Teacher(views[u]), Teacher(mixedGlobals[u]));
                    expected += Cross(share * clean + (1 - share) * clean.flip(0), local) / 4;
                    expected += Cross((mixed + common * mixed.flip(0)) / (1 + common), local) / 4;
                }
            return expected;
        }
        var shares = tensor(draw.Shares).unsqueeze(1);
        double told = Expected(shares);
        Assert.Equal(told, loss, 5e-5 * told);
        // The images are told apart well enough for this to say something.
        double[] wrong = [Expected(ones_like(shares)), Expected(zeros_like(shares)), Expected(shares.flip(0))];
        Assert.True(wrong.Max(w => Math.Abs(w - told)) > 4e-4 * told, $"{told} against {string.Join(", ", wrong)}");
    }

    private static PretrainOptions Resolved(PretrainOptions options, BackboneOptions backbone)
    {
        int size = backbone is VisionTransformerOptions ? 16 : 8;
        return (options with { Backbone = backbone, ImageSize = size, BatchSize = Rows })
            .Resolve(new DataFacts(64, size, 1), []);
    }

    private static Tensor Images(long side, Generator generator) =>
        randn([Rows, 3, side, side], generator: generator) + randn([Rows, 3, 1, 1], generator: generator).mul(3);

    private static void Jitter(nn.Module network, Generator generator, double deviation)
    {
        using var _ = no_grad();
        foreach (var parameter in network.parameters())
            parameter.add_(randn(parameter.shape, generator: generator).mul(deviation));
    }

    private static float Pass(Method method, params Tensor[] views)
    {
        using var generator = new Generator(9, CPU);
        using var _ = ForwardRandom.Use(generator);
        return method.Forward(views, Start, 0).Loss.ToSingle();
    }

    /// <summary>The random numbers that <see cref="Pass"/> had.</summary>
    private static HostRandom Drawn()
    {
        using var generator = new Generator(9, CPU);
        using var _ = ForwardRandom.Use(generator);
        return HostRandom.OfThisPass();
    }

    private static (Tensor Output, long[] Partners, float[] Shares) Mixed(EncoderWithHead network, Tensor x, int layer)
    {
        var random = Drawn();
        var partners = random.Permutation(Rows);
        float[] shares =
            [.. Enumerable.Range(0, Rows).Select(_ => random.Beta(1)).Select(v => (float)Math.Max(v, 1 - v))];
        var map = network.Backbone.Run(x, 0, layer);
        var queries = map.narrow(0, 0, Rows);
        var share = tensor(shares).view(-1, 1, 1, 1);
        queries = share * queries + (1 - share) * queries.index_select(0, tensor(partners));
        map = cat([queries, map.narrow(0, Rows, map.size(0) - Rows)], 0);
        return (network.Head.call(network.Backbone.Run(map, layer, network.Backbone.StageCount)), partners, shares);
    }

    private static float Expected(Tensor log, long[] partners, float[] shares)
    {
        double sum = 0;
        for (int i = 0; i < Rows; i++)
            sum -= shares[i] * log[i, i].ToSingle() + (1 - shares[i]) * log[i, partners[i]].ToSingle();
        return (float)(sum / Rows);
    }
}
