using MLNet.Ssl.Data;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>How rows of a table become views; for images it has no meaning. A null stands for Auto.</summary>
public sealed record TableOptions
{
    /// <summary>p of the masking noise: every continuous value of a view is 0, the mean, with this probability (<see cref="MaskingNoise"/>).</summary>
    /// <value>Auto: 0.2; 0 for MoCo and BYOL with i-Mix, as in the published CovType runs. Range 0 to below 1.</value>
    public double? MaskProbability { get; init; }

    /// <summary>Slots that hold continuous values; only they are masked. Others hold indicators, such as one-hot codes.</summary>
    /// <value>Auto: those with more than two different values in the training rows. Each from 0 to below the width.</value>
    public IReadOnlyList<int>? ContinuousSlots { get; init; }

    /// <summary>
    /// Takes continuous slots to mean 0 and deviation 1 of the training rows, slots of two values to 0 and 1 (a normaliser before may have blown up rare ones), and
    /// constant slots to 0; the encoder does the same to what it embeds.
    /// </summary>
    /// <value>Default true. Turn it off where rows are standardised otherwise, say by statistics of more rows.</value>
    public bool Standardize { get; init; } = true;

    internal TableOptions Resolve(TableFacts facts, double maskProbability, ICollection<string> reasons)
    {
        if (ContinuousSlots is null && facts.Continuous.Length < facts.Columns)
            reasons.Add($"Table.ContinuousSlots = {TableFacts.Describe(facts.Continuous)} of {facts.Columns}: they have more than two different values");
        if (MaskProbability is null) reasons.Add($"Table.MaskProbability = {maskProbability}: as published");
        return this with { ContinuousSlots = ContinuousSlots ?? facts.Continuous, MaskProbability = MaskProbability ?? maskProbability };
    }

    internal void Validate(TableFacts facts)
    {
        Check.Below(MaskProbability!.Value, 0, 1, "Table.MaskProbability");
        foreach (int slot in ContinuousSlots!)
            if (slot < 0 || slot >= facts.Columns)
                throw new ArgumentOutOfRangeException("Table.ContinuousSlots", slot,
                    $"Table.ContinuousSlots has {slot}; rows have the slots 0 to {facts.Columns - 1}.");
        if (facts.Constant.Length == facts.Columns)
            throw new ArgumentException($"All {facts.Columns} slots are constant: there is nothing to learn from.");
    }
}
