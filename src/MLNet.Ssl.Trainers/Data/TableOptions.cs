using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>How rows of a table become views; for images it has no meaning. A null stands for Auto.</summary>
public sealed record TableOptions
{
    /// <summary>
    /// p of the masking noise: every continuous value of a view is 0, the mean, with this probability
    /// (i-Mix; Lee et al., arXiv 2010.08887, appendix).
    /// </summary>
    /// <value>Auto: 0.2; 0 for MoCo and BYOL with i-Mix, as in the published CovType runs. Range 0 to below 1.</value>
    public double? MaskProbability { get; init; }

    /// <summary>
    /// Slots that hold continuous values; only they are masked. Others hold indicators, such as one-hot codes.
    /// </summary>
    /// <value>Auto: those with more than two different values in the training rows. Each from 0 to below the
    /// width.</value>
    public IReadOnlyList<int>? ContinuousSlots { get; init; }

    /// <summary>
    /// Takes continuous slots to mean 0 and deviation 1 of the training rows, slots of two values to 0 and 1 (a
    /// normaliser before may have blown up rare ones), and constant slots to 0; the encoder does the same to what it
    /// embeds.
    /// </summary>
    /// <value>Default true. Turn it off where rows are standardised otherwise, say by statistics of more rows.</value>
    public bool Standardize { get; init; } = true;

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}
