using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What of a pass is in memory after it, and during the backward pass: what autograd keeps, and the
/// results.</summary>
public sealed class KeptTensorsTests : IDisposable
{
    private readonly Generator _generator = new(1, CPU);

    public static TheoryData<string, BackboneOptions> Backbones => new()
    {
        { "ResNet", new ResNetOptions { BlocksPerStage = [1, 2], Width = 8 } },
        { "ResNet of bottlenecks, small stem",
            new ResNetOptions { Block = ResNetBlock.Bottleneck, BlocksPerStage = [1], Width = 8,
                Stem = ResNetStem.Small } },
        { "ViT", Vit },
        { "ViT with registers", Vit with { Registers = 2, RotaryPositions = true } },
        { "ConvNeXt", new ConvNeXtOptions { Depths = [1, 1, 1, 1], Widths = [8, 8, 8, 8] } },
    };

    private static VisionTransformerOptions Vit =>
        new() { ImageSize = 32, PatchSize = 8, EmbeddingDimension = 16, Depth = 3, Heads = 2 };

    public void Dispose() => _generator.Dispose();

    [Theory]
    [MemberData(nameof(Backbones))]
    public void APassLeavesItsResultsAlone(string name, BackboneOptions options)
    {
        using var backbone = options.Create(_generator);
        using var network = new EncoderWithHead(backbone,
            new MlpHead(new MlpHeadOptions(options.EmbeddingDimension), _generator));
        using var images = randn([2, 3, 32, 32], generator: _generator);
        using var random = ForwardRandom.Use(_generator);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using (var features = backbone.call(images))
            Assert.True(scope.DisposablesCount == 1, $"{name}: {scope.DisposablesCount}");
        var (_, output) = network.Pass(images);
        Assert.False(output.IsInvalid);
        Assert.True(scope.DisposablesCount == 2, $"{name}: {scope.DisposablesCount}");
    }

    [Fact]
    public void LossesLeaveNoTensorsOfTheirLogitsSize()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor student = randn(4 * 8, 16, generator: _generator), teacher = randn(2 * 8, 16, generator: _generator);
        using var dino = new DinoLoss(16);
        int before = scope.DisposablesCount;
        _ = dino.Forward(student, teacher, 0.04);
        Assert.Equal(before + 2, scope.DisposablesCount);
        Tensor queries = student.narrow(0, 0, 16), keys = student.narrow(0, 16, 16), queue = randn(16, 64);
        before = scope.DisposablesCount;
        _ = QueueContrast.Loss(queries, keys, queue, 0.2, null, SideBySide.InTurn);
        // The loss, and the queries of norm 1 with what made them.
        Assert.InRange(scope.DisposablesCount - before, 1, 2);
    }

    [Fact]
    public void WhatAMethodLeavesIsFreedBeforeTheBackwardPass()
    {
        using var method = new Wasteful(_generator);
        using var step = new TrainingStep(method, new(OptimizerKind.Sgd, _ => 0.1, _ => 0), 1, 1, 1);
        using var scope = NewDisposeScope();
        var output = step.Run([randn([8, 4], generator: _generator)], new(0, 4, 1));
        Assert.True(method.WasFreed);
        Assert.False(output.Loss.IsInvalid || output.Embeddings.IsInvalid);
    }

    [Fact]
    public void InTurnThePassWithoutGradientGoesFirst()
    {
        var order = new List<string>();
        var result = SideBySide.InTurn.Run(() => Ran("online"), () => Ran("slow"));
        Assert.Equal(["slow", "online"], order);
        Assert.Equal(("online", "slow"), result);

        string Ran(string name)
        {
            order.Add(name);
            return name;
        }
    }

    /// <summary>A method whose forward pass leaves a tensor behind.</summary>
    private sealed class Wasteful(Generator generator) : Method
    {
        private readonly LinearEncoder _network = new(4, 4, generator);

        private FlatParameters? _parameters;

        public bool WasFreed { get; private set; }

        public override FlatParameters Parameters => _parameters ??= new(_network);

        public override Backbone Encoder => _network;

        public override IEnumerable<(string Name, Tensor Value)> State => [];

        public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
        {
            var features = _network.call(views[0]);
            var left = features.detach().exp();
            var loss = AsGradientPasses.apply(features.sum(), (Action)(() => WasFreed = left.IsInvalid));
            return new(loss, features.detach());
        }

        protected override void Dispose(bool disposing)
        {
            _parameters?.Dispose();
            _network.Dispose();
        }
    }

    private sealed class AsGradientPasses : autograd.SingleTensorFunction<AsGradientPasses>
    {
        public override string Name => nameof(AsGradientPasses);

        public override Tensor forward(autograd.AutogradContext context, params object[] arguments)
        {
            context.save_data("action", arguments[1]);
            return ((Tensor)arguments[0]).alias();
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            ((Action)context.get_data("action"))();
            return [gradient, null!];
        }
    }
}
