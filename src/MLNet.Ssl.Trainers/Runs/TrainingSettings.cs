namespace MLNet.Ssl.Runs;

/// <summary>What a run will do, of what all kinds of runs have: nothing is left at Auto, and
/// every value is in its range.</summary>
public record TrainingSettings
{
    /// <summary>Passes over the data.</summary>
    public required int Epochs { get; init; }

    /// <summary>Rows of one optimiser step.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Epochs over which the learning rate rises.</summary>
    public required int WarmupEpochs { get; init; }

    /// <summary>Seed of everything random.</summary>
    public required int Seed { get; init; }

    /// <summary>Processor threads.</summary>
    public required int Threads { get; init; }

    /// <summary>What the networks compute in.</summary>
    public Precision Precision { get; init; }

    /// <summary>The peak learning rate of this batch: rates of options are for a batch of 256.</summary>
    /// <param name="rate">Rate for a batch of 256.</param>
    public double PeakRate(double rate) => rate * BatchSize / 256;
}
