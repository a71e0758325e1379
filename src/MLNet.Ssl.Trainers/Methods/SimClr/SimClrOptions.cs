using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>What SimCLR minimises.</summary>
public enum SimClrLoss
{
    /// <summary>NT-Xent: every other embedding of both views is a negative.</summary>
    NtXent,

    /// <summary>
    /// The N-pair form, which i-Mix is defined on: first views find their second views among the second views, in one
    /// direction. With it come i-Mix's head (biases, PyTorch's initial weights, a batch norm with shift at the end),
    /// schedule and weight decay of every parameter.
    /// </summary>
    NPair,
}

/// <summary>Options of SimCLR (Chen et al., arXiv 2002.05709) and, with <see cref="HeadLayers"/> = 3, of
/// SimCLR v2 (arXiv 2006.10029).</summary>
public sealed record SimClrOptions : PretrainOptions
{
    /// <summary>What is minimised.</summary>
    /// <value>Default <see cref="SimClrLoss.NtXent"/>.</value>
    public SimClrLoss Loss { get; init; } = SimClrLoss.NtXent;

    /// <summary>τ of the loss.</summary>
    /// <value>Auto: for NT-Xent 0.5 up to 64 pixels (the CIFAR-10 setting), else 0.1 (ImageNet); 0.2 for the
    /// N-pair form; 0.1 for tables (i-Mix). Range above 0.</value>
    public double? Temperature { get; init; }

    /// <summary>Layers of the projection head: 2 in SimCLR, 3 in SimCLR v2.</summary>
    /// <value>Default 2, range 1 and up.</value>
    public int HeadLayers { get; init; } = 2;

    /// <summary>Width of the projection.</summary>
    /// <value>Default 128, range 1 and up.</value>
    public int ProjectionDimension { get; init; } = 128;

    /// <summary>How NT-Xent's terms are put together.</summary>
    /// <value>Default <see cref="NtXentReduction.Paper"/>.</value>
    public NtXentReduction Reduction { get; init; } = NtXentReduction.Paper;

    /// <summary>
    /// Earlier embeddings that NT-Xent has as negatives besides those of the batch (SimCLR v2's memory; its
    /// released code has none). The second views as a slow copy of the network embeds them go in, the oldest
    /// out. It costs a third forward pass.
    /// </summary>
    /// <value>Default 0: none; published 65 536. A multiple of the batch; NT-Xent only.</value>
    public int MemoryLength { get; init; }

    /// <summary>Momentum of the slow copy that fills the memory.</summary>
    /// <value>Default 0.999, range 0 to 1.</value>
    public double MemoryMomentum { get; init; } = 0.999;

    /// <summary>The recipe of both views, at any size. The options of crop, colour and blur
    /// below apply where it is null.</summary>
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

    internal override bool CanMixWith(MixingOptions mixing) => mixing is IMixOptions && Loss == SimClrLoss.NPair;

    /// <summary>Which parameters decay: of i-Mix all of them.</summary>
    internal Func<string, Parameter, string>? GroupOf => Loss == SimClrLoss.NPair ? (_, _) =>
        FlatParameters.Decayed : null;

    /// <inheritdoc/>
    public override MethodPlan Plan(PlanContext context)
    {
        bool table = context.Columns is not null, pairs = Loss == SimClrLoss.NPair;
        var settings = context.Resolve(new()
        {
            BFloat16 = true,
            WarmupEpochs = pairs ? Math.Min(Epochs > 500 ? 10 : 5, Epochs / 10) : null,
            ZeroInitResidual = Loss == SimClrLoss.NtXent,
        });
        bool small = settings.IsSmall;
        var optimizer = context.ChooseOptimizer(OptimizerKind.Sgd, $"batches of {settings.BatchSize} need no LARS");
        // The published LARS rates (1.0 linear for CIFAR-10) are for large batches; SGD's is the one used by
        // small-batch reproductions of MoCo and SimCLR.
        double rate = context.ChooseLearningRate(optimizer switch
        {
            OptimizerKind.Lars => small ? 1.0 : 0.3,
            OptimizerKind.AdamW => 0.0005,
            _ => table ? 0.125 : 0.06,
        }, $"for {optimizer}");
        double temperature = context.Choose(
            Temperature, table ? 0.1 : pairs ? 0.2 : small ? 0.5 : 0.1,
            $"for {Loss} and {(table ? "tables" : $"images of {settings.ImageSize} pixels")}");
        CheckRanges(settings.BatchSize);
        Check.Positive(temperature, nameof(Temperature));

        double peak = settings.PeakRate(rate);
        var optimization = new OptimizationPlan(
            optimizer,
            t => pairs
                ? Schedules.IMix(t.Step, t.StepsPerEpoch, t.Epochs, settings.WarmupEpochs, peak)
                : Schedules.SimClr(t.Step, t.TotalSteps, settings.WarmupEpochs * t.StepsPerEpoch, peak),
            _ => WeightDecay)
        { LarsMomentum = LarsMomentum.RateInside };
        return new(optimization, where => new SimClr(this, settings.Backbone, temperature, where))
        {
            Views = table ? [] : Views(context, settings),
        };
    }

    internal nn.Module<Tensor, Tensor> CreateHead(int inputs, Generator generator)
    {
        if (Loss == SimClrLoss.NtXent)
            return new ProjectionHead(new(inputs) { OutputDimension = ProjectionDimension, Layers = HeadLayers },
                generator);
        var head = new MlpHeadOptions(inputs) { OutputDimension = ProjectionDimension, Layers = HeadLayers };
        return new MlpHead(head with { BatchNorm = true, OutputNorm = HeadOutputNorm.Affine }, generator);
    }

    private ViewRecipe[] Views(PlanContext context, PretrainSettings settings)
    {
        string reason = $"for images of {settings.ImageSize} pixels";
        double strength = context.Choose(ColorStrength, settings.IsSmall ? 0.5 : 1, reason);
        bool blur = context.Choose(Blur, !settings.IsSmall, reason);
        Check.InRange(strength, 0, 1, nameof(ColorStrength));
        var view = View ?? ViewRecipes.SimClr(strength: strength) with { Scale = (MinCropScale, 1) };
        if (View is null && !blur) view = view with { BlurProbability = 0 };
        view = view with { Size = settings.ImageSize };
        return [view, view];
    }

    private void CheckRanges(int batch)
    {
        Check.Defined(Loss);
        Check.AtLeast(HeadLayers, 1);
        Check.AtLeast(ProjectionDimension, 1);
        Check.Defined(Reduction);
        Check.Positive(MinCropScale);
        Check.InRange(MinCropScale, 0, 1);
        Check.AtLeast(WeightDecay, 0);
        Check.AtLeast(MemoryLength, 0);
        Check.InRange(MemoryMomentum, 0, 1);
        if (MemoryLength % batch != 0)
        {
            throw new ArgumentException(
                $"MemoryLength is {MemoryLength}; it must be a multiple of BatchSize ({batch}).", nameof(MemoryLength));
        }
        if (MemoryLength > 0 && Loss != SimClrLoss.NtXent)
            throw new ArgumentException($"MemoryLength is {MemoryLength}; with Loss = {Loss} it must be 0.",
                nameof(MemoryLength));
    }
}
