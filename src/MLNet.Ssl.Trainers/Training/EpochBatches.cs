namespace MLNet.Ssl.Training;

/// <summary>How the rows of an epoch are parted into steps: full batches, and a partial one at the end
/// where that is large enough.</summary>
/// <param name="Rows">Rows of an epoch.</param>
/// <param name="Batch">Rows of a full batch.</param>
/// <param name="Partial">Rows of the last step where that is a partial batch, else 0.</param>
internal readonly record struct EpochBatches(int Rows, int Batch, int Partial)
{
    // A smaller part would move weights and batch statistics by what few rows have in common.
    private const int LeastShare = 4;

    /// <summary>Parts the rows.</summary>
    /// <param name="rows">Rows of an epoch.</param>
    /// <param name="batch">Rows of a full batch, at most all of them.</param>
    /// <param name="multiple">What a partial batch must be a multiple of; null for no partial batches.</param>
    public static EpochBatches Of(int rows, int batch, int? multiple)
    {
        int left = multiple is { } unit ? rows % batch / unit * unit : 0;
        return new(rows, batch, left >= Math.Max(2, (batch + LeastShare - 1) / LeastShare) ? left : 0);
    }

    /// <summary>Steps of an epoch.</summary>
    public int Steps => Rows / Batch + (Partial > 0 ? 1 : 0);

    /// <summary>Where the rows of a step of an epoch are in the epoch's order.</summary>
    public (int First, int Count) Step(int step) => (step * Batch, step < Rows / Batch ? Batch : Partial);
}
