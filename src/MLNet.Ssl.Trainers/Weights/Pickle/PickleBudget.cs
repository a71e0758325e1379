namespace MLNet.Ssl.Weights;

/// <summary>Bounds what opcodes copy by what was read: each entry and byte that a pickler
/// writes is copied at most once.</summary>
internal sealed class PickleBudget(PickleInput input)
{
    private long _copied;

    public void Copy(long units)
    {
        _copied += units;
        if (_copied > input.BytesRead)
            throw new InvalidDataException("its pickle copies the same entries again and again, which PyTorch does not "
                + "write. Nothing was executed.");
    }
}
