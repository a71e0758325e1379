using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>What a method will do: <see cref="PretrainOptions.Plan"/> makes it, and training carries it out.</summary>
/// <param name="Optimization">How the parameters are moved.</param>
/// <param name="Create">Builds the method with random weights, on the device.</param>
public sealed record MethodPlan(OptimizationPlan Optimization, Func<MethodContext, Method> Create)
{
    /// <summary>Recipes of an image's views, in the order that <see cref="Method.Forward"/> receives them;
    /// none for rows of a table.</summary>
    public required IReadOnlyList<ViewRecipe> Views { get; init; }

    /// <summary>Views of a row of a table.</summary>
    /// <value>Default 2.</value>
    public int TableViews { get; init; } = 2;

    /// <summary>How many of a row's views, from the first on, are the row as it is,
    /// without masking or resampling.</summary>
    /// <value>Default 0.</value>
    public int WholeTableViews { get; init; }

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}

/// <summary>Where a method is built.</summary>
/// <param name="Generator">Source of the initial weights, on the CPU.</param>
/// <param name="Device">Where the networks belong.</param>
/// <param name="Shards">Parts of a batch that may be passed at once, if
/// <see cref="Method.SamplesAreIndependent"/>.</param>
public sealed record MethodContext(Generator Generator, Device Device, int Shards)
{
    /// <summary>What the networks compute in; <see cref="FlatParameters"/> takes it and sees to the rest.</summary>
    /// <value>Bfloat16 only for methods that say they can (<see cref="MethodDefaults.BFloat16"/>).</value>
    public Precision Precision { get; init; }
}

/// <summary>What a method has where the user gave nothing.</summary>
public sealed record MethodDefaults
{
    /// <summary>Rows of a step; 512 at least for tables.</summary>
    /// <value>Default 256.</value>
    public int BatchSize { get; init; } = 256;

    /// <summary>The backbone above 64 pixels; below it is a ResNet-18 with the small-image stem.</summary>
    /// <value>Default ResNet-50.</value>
    public BackboneOptions Backbone { get; init; } = ResNetOptions.ResNet50();

    /// <summary>The backbone above 64 pixels where a processor trains it.</summary>
    /// <value>Default ResNet-18.</value>
    public BackboneOptions ProcessorBackbone { get; init; } = ResNetOptions.ResNet18();

    /// <summary>The backbone of tables.</summary>
    /// <value>Default a <see cref="TabularMlpOptions"/> of its own defaults.</value>
    public BackboneOptions TableBackbone { get; init; } = new TabularMlpOptions();

    /// <summary>Whether a ResNet that is chosen starts with silent residual branches
    /// (<see cref="ResNetOptions.ZeroInitResidual"/>).</summary>
    /// <value>Default false.</value>
    public bool ZeroInitResidual { get; init; }

    /// <summary>Epochs over which the learning rate rises.</summary>
    /// <value>Default null: 10, at most a tenth of the epochs.</value>
    public int? WarmupEpochs { get; init; }

    /// <summary>
    /// Whether the method's networks may compute in bfloat16: it hands <see cref="MethodContext.Precision"/> to its
    /// parameters, takes views of that type, and puts what networks answer into single precision before its loss.
    /// </summary>
    /// <value>Default false.</value>
    public bool BFloat16 { get; init; }

    /// <summary>p of the masking noise of a table.</summary>
    /// <value>Default 0.2.</value>
    public double MaskProbability { get; init; } = 0.2;

    /// <summary>p of a table's marginal resampling.</summary>
    /// <value>Default 0.</value>
    public double ResampleProbability { get; init; }
}
