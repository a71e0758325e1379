using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>How rows of a table become views; for images it has no meaning. A null stands for Auto.</summary>
public sealed record TableOptions
{
    /// <summary>
    /// p of the masking noise: every continuous value of a view is 0, the mean, with this probability
    /// (i-Mix; Lee et al., arXiv 2010.08887, appendix).
    /// </summary>
    /// <value>Auto: 0.2; 0 for MoCo and BYOL with i-Mix, as in the published CovType runs, and where rows are
    /// reconstructed. Range 0 to below 1.</value>
    public double? MaskProbability { get; init; }

    /// <summary>
    /// p of SCARF's corruption: every slot of the views behind the first takes the value of another row with this
    /// probability (<see cref="MarginalResampling"/>); the first view stays as it is. The slots of a category change
    /// together.
    /// </summary>
    /// <value>Auto: 0; 0.2 where rows are reconstructed (<see cref="MaskedReconstructionOptions"/>,
    /// <see cref="MoCoOptions.ReconstructionWeight"/>). Published for SCARF: 0.6, for VIME 0.3. Range 0 to below
    /// 1.</value>
    public double? ResampleProbability { get; init; }

    /// <summary>
    /// Neighbouring slots that are the indicators of one category, such as those that one-hot encoding makes of a
    /// column; the end is not part of a range.
    /// </summary>
    /// <value>Auto: what <c>OneHotEncoding</c> noted in the pipeline's column; without a note, slots of two values of
    /// which one and only one is set in every row.</value>
    public IReadOnlyList<Range>? CategoricalSlots { get; init; }

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

    /// <summary>
    /// Quantiles of the training rows by which continuous slots are taken to a normal distribution, in place of mean 0
    /// and deviation 1: for heavy tails and values that crowd at one end (scikit-learn's <c>QuantileTransformer</c>).
    /// Of fewer rows there are as many as rows. They are kept with the encoder.
    /// </summary>
    /// <value>Default 0: none. Range 2 to 100 000, such as 1 000; with <see cref="Standardize"/> only.</value>
    public int Quantiles { get; init; }

    /// <summary>All members, with the contents of lists.</summary>
    public override string ToString() => RecordText.Of(this);
}
