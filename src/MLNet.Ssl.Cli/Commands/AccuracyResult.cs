namespace MLNet.Ssl.Cli.Commands;

/// <summary>The accuracy of a classifier, as machines are told it; what the protocol has none of is left out.</summary>
internal sealed record AccuracyResult(string Protocol, double Accuracy)
{
    public string Event => "accuracy";

    public double? TopKAccuracy { get; init; }

    public int? TopKPredictionCount { get; init; }

    public int? NumberOfNeighbors { get; init; }

    public double? Temperature { get; init; }

    public LinearProbeAccuracy? Chosen { get; init; }

    public bool? ChosenOnTestRows { get; init; }

    /// <summary>Rows that it learned from.</summary>
    public int? Train { get; init; }

    /// <summary>Rows that it classified.</summary>
    public int Test { get; init; }
}
