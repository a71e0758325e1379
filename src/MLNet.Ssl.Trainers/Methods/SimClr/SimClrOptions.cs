using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = MLNet.Ssl.Optimization.AdamW;

namespace MLNet.Ssl;

/// <summary>What <see cref="SimClr"/> minimises.</summary>
public enum SimClrLoss
{
    /// <summary>NT-Xent: every other embedding of both views is a negative.</summary>
    NtXent,

    /// <summary>
    /// The N-pair form, which i-Mix is defined on: first views find their second views among the second views, in one direction. With it come i-Mix's
    /// head (biases, PyTorch's initial weights, a batch norm with shift at the end), schedule and weight decay of every parameter.
    /// </summary>
    NPair,
}

/// <summary>Options of SimCLR (Chen et al., arXiv 2002.05709) and, with <see cref="HeadLayers"/> = 3, of SimCLR v2 (arXiv 2006.10029).</summary>
public sealed record SimClrOptions : PretrainOptions
{
    /// <summary>What is minimised.</summary>
    /// <value>Default <see cref="SimClrLoss.NtXent"/>.</value>
    public SimClrLoss Loss { get; init; } = SimClrLoss.NtXent;

    /// <summary>τ of the loss.</summary>
    /// <value>Auto: for NT-Xent 0.5 up to 64 pixels (the CIFAR-10 setting), else 0.1 (ImageNet); 0.2 for the N-pair form. Range above 0.</value>
    public double? Temperature { get; init; }

    /// <summary>Layers of the projection head: 2 in SimCLR, 3 in SimCLR v2.</summary>
    /// <value>Default 2, range 1 and up.</value>
    public int HeadLayers { get; init; } = 2;

    /// <summary>Width of the projection.</summary>
    /// <value>Default 128.</value>
    public int ProjectionDimension { get; init; } = 128;

    /// <summary>How NT-Xent's terms are put together.</summary>
    /// <value>Default <see cref="NtXentReduction.Paper"/>.</value>
    public NtXentReduction Reduction { get; init; } = NtXentReduction.Paper;

    /// <summary>
    /// Earlier embeddings that NT-Xent has as negatives besides those of the batch (SimCLR v2's memory; its released code has none). The second views as a
    /// slow copy of the network embeds them go in, the oldest out. It costs a third forward pass.
    /// </summary>
    /// <value>Default 0: none; published 65 536. A multiple of the batch; NT-Xent only.</value>
    public int MemoryLength { get; init; }

    /// <summary>Momentum of the slow copy that fills the memory.</summary>
    /// <value>Default 0.999, range 0 to 1.</value>
    public double MemoryMomentum { get; init; } = 0.999;

    /// <summary>The recipe of both views, at any size. The options of crop, colour and blur below apply where it is null.</summary>
    /// <value>Default null: <see cref="ViewRecipes.SimClr"/>.</value>
    public ViewRecipe? View { get; init; }

    /// <summary>Smallest area share of a crop.</summary>
    /// <value>Default 0.08, range above 0 to 1.</value>
    public double MinCropScale { get; init; } = 0.08;

    /// <summary>Strength s of the colour jitter (0.8s, 0.8s, 0.8s, 0.2s).</summary>
    /// <value>Auto: 0.5 up to 64 pixels, else 1. Range 0 to 1.</value>
    public double? ColorStrength { get; init; }

    /// <summary>Gaussian blur of half the views.</summary>
    /// <value>Auto: off up to 64 pixels, else on.</value>
    public bool? Blur { get; init; }

    /// <summary>Weight decay; with NT-Xent, biases and normalisation weights have none.</summary>
    /// <value>Default 1e-4, range 0 and up.</value>
    public double WeightDecay { get; init; } = 1e-4;

    /// <inheritdoc/>
    public override string MethodName => "SimCLR";

    internal override IReadOnlyList<ViewRecipe> ImageViews
    {
        get
        {
            var view = View ?? ViewRecipes.SimClr(strength: ColorStrength!.Value) with { Scale = (MinCropScale, 1) };
            if (View is null && !Blur!.Value) view = view with { BlurProbability = 0 };
            view = view with { Size = ImageSize!.Value };
            return [view, view];
        }
    }

    /// <summary>Which parameters decay: of i-Mix all of them.</summary>
    internal Func<string, Parameter, string>? GroupOf => Loss == SimClrLoss.NPair ? (_, _) => FlatParameters.Decayed : null;

    internal nn.Module<Tensor, Tensor> CreateHead(Generator generator)
    {
        int inputs = Backbone!.EmbeddingDimension;
        if (Loss == SimClrLoss.NtXent)
            return new ProjectionHead(new(inputs) { OutputDimension = ProjectionDimension, Layers = HeadLayers }, generator);
        var head = new MlpHeadOptions(inputs) { OutputDimension = ProjectionDimension, Layers = HeadLayers };
        return new MlpHead(head with { BatchNorm = true, OutputNorm = HeadOutputNorm.Affine }, generator);
    }

    internal override bool CanMixWith(MixingOptions mixing) => mixing is IMixOptions && Loss == SimClrLoss.NPair;

    internal override PretrainOptions Resolve(DataFacts facts, ICollection<string> reasons)
    {
        int? warmup = WarmupEpochs ?? (Loss == SimClrLoss.NPair ? Math.Min(Epochs > 500 ? 10 : 5, Epochs / 10) : null);
        var o = (SimClrOptions)(this with { WarmupEpochs = warmup }).ResolveShared(
            facts, reasons, 256, ResNetOptions.ResNet50(), zeroInitResidual: Loss == SimClrLoss.NtXent);
        bool table = facts.Table is not null, small = facts.AreSmall(o.ImageSize);
        var optimizer = o.Optimizer ?? OptimizerKind.Sgd;
        // The published LARS rates (1.0 linear for CIFAR-10) are for large batches; SGD's is the one used by small-batch reproductions of MoCo and SimCLR.
        double rate = o.LearningRate ?? (optimizer switch { OptimizerKind.Lars => small ? 1.0 : 0.3, OptimizerKind.AdamW => 0.0005, _ => table ? 0.125 : 0.06 });
        if (o.Optimizer is null) reasons.Add($"Optimizer = {optimizer}: batches of {o.BatchSize} need no LARS");
        if (o.LearningRate is null) reasons.Add($"LearningRate = {rate}: for {optimizer}");
        double temperature = o.Temperature ?? (table ? 0.1 : o.Loss == SimClrLoss.NPair ? 0.2 : small ? 0.5 : 0.1);
        if (o.Temperature is null) reasons.Add($"Temperature = {temperature}: for {o.Loss} and {(table ? "tables" : $"images of {o.ImageSize} pixels")}");
        return o with
        {
            Optimizer = optimizer,
            LearningRate = rate,
            Temperature = temperature,
            ColorStrength = o.ColorStrength ?? (small ? 0.5 : 1),
            Blur = o.Blur ?? !small,
        };
    }

    internal override void Validate(DataFacts facts)
    {
        base.Validate(facts);
        Check.Defined(Loss, nameof(Loss));
        Check.Positive(Temperature!.Value, nameof(Temperature));
        if (View is not null && ImageSize is { } size) (View with { Size = size }).Validate();
        Check.AtLeast(HeadLayers, 1, nameof(HeadLayers));
        Check.AtLeast(ProjectionDimension, 1, nameof(ProjectionDimension));
        Check.Defined(Reduction, nameof(Reduction));
        Check.Positive(MinCropScale, nameof(MinCropScale));
        Check.InRange(MinCropScale, 0, 1, nameof(MinCropScale));
        Check.InRange(ColorStrength!.Value, 0, 1, nameof(ColorStrength));
        Check.AtLeast(WeightDecay, 0, nameof(WeightDecay));
        Check.AtLeast(MemoryLength, 0, nameof(MemoryLength));
        Check.InRange(MemoryMomentum, 0, 1, nameof(MemoryMomentum));
        if (MemoryLength % BatchSize!.Value != 0)
            throw new ArgumentException($"MemoryLength is {MemoryLength}; it must be a multiple of BatchSize ({BatchSize}).", nameof(MemoryLength));
        if (MemoryLength > 0 && Loss != SimClrLoss.NtXent)
            throw new ArgumentException($"MemoryLength is {MemoryLength}; with Loss = {Loss} it must be 0.", nameof(MemoryLength));
    }

    internal override Method CreateMethod(Generator generator, Device device, int shards) => new SimClr(this, generator, device);

    internal override OptimizationPlan CreatePlan() => new(
        () => Optimizer switch { OptimizerKind.Lars => new Lars(LarsMomentum.RateInside), OptimizerKind.AdamW => new AdamW(), _ => new Sgd() },
        t => Loss == SimClrLoss.NPair
            ? Schedules.IMix(t.Step, t.StepsPerEpoch, t.Epochs, WarmupEpochs!.Value, LearningRate!.Value * BatchSize!.Value / 256)
            : Schedules.SimClr(t.Step, t.TotalSteps, WarmupEpochs!.Value * t.StepsPerEpoch, LearningRate!.Value * BatchSize!.Value / 256),
        _ => WeightDecay);
}
