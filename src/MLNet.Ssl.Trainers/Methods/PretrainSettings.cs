using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl.Methods;

/// <summary>What a run of pretraining will do, of what all methods have.</summary>
public sealed record PretrainSettings : TrainingSettings
{
    /// <summary>The encoder's network.</summary>
    public required BackboneOptions Backbone { get; init; }

    /// <summary>Side of the view that the encoder sees whole, in pixels; 0 for rows of a table.</summary>
    public required int ImageSize { get; init; }

    /// <summary>How rows become views; null for images.</summary>
    public TableSettings? Table { get; init; }

    /// <summary>Whether published settings for small images, or for tables, fit better than those for
    /// ImageNet: up to 64 pixels.</summary>
    public bool IsSmall => ImageSize <= 64;
}

/// <summary>How rows of a table become views.</summary>
/// <param name="MaskProbability">p of the masking noise.</param>
/// <param name="ContinuousSlots">Slots that hold continuous values.</param>
/// <param name="Standardize">Whether they are standardised.</param>
public sealed record TableSettings(double MaskProbability, IReadOnlyList<int> ContinuousSlots, bool Standardize)
{
    /// <summary>p of marginal resampling.</summary>
    /// <value>Default 0.</value>
    public double ResampleProbability { get; init; }

    /// <summary>Quantiles by which continuous slots are taken to a normal distribution; 0 for none.</summary>
    /// <value>Default 0.</value>
    public int Quantiles { get; init; }

    /// <summary>Slots that are the indicators of one category each, in order.</summary>
    /// <value>Default none.</value>
    public IReadOnlyList<Range> CategoricalSlots { get; init; } = [];

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}
