using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options of <see cref="NearestNeighborsTrainer"/>.</summary>
public sealed record NearestNeighborsOptions : MulticlassOptions
{
    /// <summary>Neighbours k that vote, at least 1; more than there are rows means all of them. Default 20.</summary>
    public int NumberOfNeighbors { get; init; } = 20;

    /// <summary>Temperature T of the votes exp(similarity / T), above 0. Default 0.07.</summary>
    public float Temperature { get; init; } = 0.07f;

    /// <summary>Stops <c>Fit</c> at the next row with an <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken CancellationToken { get; init; }

    internal override CancellationToken Cancellation => CancellationToken;

    internal override void Validate()
    {
        base.Validate();
        Check.AtLeast(NumberOfNeighbors, 1);
        Check.Positive(Temperature);
    }
}
