namespace MLNet.Ssl.Runs;

/// <summary>When a run is measured on labelled rows, and what follows from the accuracy.</summary>
internal interface IMeasurement
{
    /// <summary>Epochs from one measurement to the next; the end is always measured.</summary>
    int EveryEpochs { get; }

    /// <summary>Measurements without a better accuracy after which the run ends; null for none.</summary>
    int? Patience { get; }

    /// <summary>Whether the weights of the best accuracy are returned.</summary>
    bool ReturnBest { get; }
}
