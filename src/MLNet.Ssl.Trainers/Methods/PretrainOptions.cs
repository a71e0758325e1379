using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// Options that every self-supervised method has. A null stands for Auto: chosen from the data
/// when training begins, and reported.
/// </summary>
/// <remarks>
/// For a method of your own derive a record from it: <see cref="Plan"/> says what its views are, how its parameters are
/// moved, and how it is built. Mark options that do not change what is learned by
/// <see cref="OutsideOfTheRunAttribute"/>.
/// </remarks>
public abstract record PretrainOptions : TrainingOptions
{
    /// <summary>The encoder's network.</summary>
    /// <value>Auto: a ResNet-18 with the small-image stem up to 64 pixels, above that the method's usual one; for
    /// tables a <see cref="TabularMlpOptions"/>. On a processor the stem has stride 2 above 32 pixels, and above 64
    /// pixels it is a ResNet-18, or a ViT-Ti/16 for DINO and MoCo v3.</value>
    public BackboneOptions? Backbone { get; init; }

    /// <summary>
    /// Weights that the backbone starts from: a file, which is an official checkpoint or what
    /// <see cref="Encoder.SaveSafeTensors(string)"/> wrote (<see cref="PretrainedWeights"/>), or the name of a
    /// published network that is on this machine, such as <c>dinov2_vits14</c> (<see cref="PretrainedModels.Download"/>
    /// brings it). Heads start at random.
    /// </summary>
    /// <value>Default null: random weights. With it, a <see cref="Backbone"/> left at Auto is the file's.</value>
    public string? InitialWeights { get; init; }

    /// <summary>What the file of <see cref="InitialWeights"/> does not say by names and shapes, such as which of its
    /// two networks is meant; what is said of images there is not looked at.</summary>
    /// <value>Default null: all Auto.</value>
    public PretrainedOptions? InitialWeightsOptions { get; init; }

    /// <summary>Side of the square view that the encoder sees whole, in pixels; also the size that rows are
    /// embedded at. For images only.</summary>
    /// <value>Auto: the median shorter side of the images, at most 224, rounded down to a multiple of 16 (of 8 below
    /// 32), or of the patch where <see cref="Backbone"/> has others; on a processor at most 96 where
    /// <see cref="Backbone"/> is left at Auto too. Range 8 and up.</value>
    public int? ImageSize { get; init; }

    /// <summary>Mixes samples and their targets; which methods can is said where one cannot.</summary>
    /// <value>Default null: no mixing.</value>
    public MixingOptions? Mixing { get; init; }

    /// <summary>How rows of a table become views.</summary>
    public TableOptions Table { get; init; } = new();

    /// <summary>Measures the encoder on labelled rows while it learns; the labels do not reach the training.</summary>
    /// <value>Default null: no evaluation.</value>
    [OutsideOfTheRun]
    public OnlineEvaluation? Evaluation { get; init; }

    /// <summary>Name of the method, as the literature has it.</summary>
    public abstract string MethodName { get; }

    /// <summary>Why this method was chosen, as in <see cref="Runs.Choice"/>; null where somebody asked for
    /// it.</summary>
    internal string? MethodReason { get; init; }

    /// <summary>True if the method is defined with this kind of mixing.</summary>
    internal virtual bool CanMixWith(MixingOptions mixing) => false;

    /// <summary>False for methods whose views are those of images alone.</summary>
    /// <value>Default true.</value>
    protected internal virtual bool TakesTables => true;

    /// <summary>
    /// Decides what the method will do: resolves the options that all methods have (<see cref="PlanContext.Resolve"/>),
    /// chooses for those of its own that were left at Auto, and checks their ranges.
    /// </summary>
    /// <param name="context">Facts of the data, and the choices.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public abstract MethodPlan Plan(PlanContext context);

    /// <summary>Refuses options that are not for this kind of data, before anything is resolved.</summary>
    internal void CheckInput(DataFacts facts)
    {
        if (facts.Table is null)
        {
            if (Backbone is { TakesTables: true })
            {
                throw new ArgumentException(
                    $"Backbone is {Backbone.GetType().Name}, which takes rows of a table; the input is images.",
                    nameof(Backbone));
            }
            return;
        }
        if (!TakesTables)
        {
            throw new ArgumentException(
                $"{MethodName} learns from views of images; for rows of a table take masked reconstruction, MoCo, "
                + "SimCLR with Loss = NPair, or BYOL.");
        }
        if (ImageSize is not null)
        {
            throw new ArgumentException(
                $"ImageSize is {ImageSize}; it is for images, and the input is rows of a table.", nameof(ImageSize));
        }
        if (Backbone is { TakesTables: false })
        {
            throw new ArgumentException(
                $"Backbone is {Backbone.GetType().Name}, which takes images; the input is rows of a table.",
                nameof(Backbone));
        }
    }
}
