using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>
/// The factors of drop path of a step on an accelerator. What the step before asked for is drawn and uploaded at once:
/// an upload for every layer would have the host wait as often.
/// </summary>
internal sealed class KeepPlan : IDisposable
{
    private readonly Generator _generator = new(0, CPU);
    private List<(long Rows, double Rate)> _asked = [], _planned = [];
    private Tensor? _factors;
    private ScalarType _type = ScalarType.Float32;
    private long _drawn;

    /// <summary>Begins a step; its draws follow from the seed alone.</summary>
    public void Begin(ulong seed, Device device)
    {
        using var scope = NewDisposeScope();
        _generator.manual_seed(unchecked((long)seed));
        (_planned, _asked, _drawn) = (_asked, [], 0);
        _factors?.Dispose();
        _factors = _planned.Count == 0
            ? null
            : NativeTensor.On(device, cat([.. _planned.Select(ask => Draw(ask.Rows, ask.Rate))]).to(_type))
            .DetachFromDisposeScope();
    }

    /// <summary>1/(1 − rate) for the rows that are kept and 0 for others: (rows), of the type and on the device of
    /// <paramref name="like"/>.</summary>
    public Tensor Next(long rows, double rate, Tensor like)
    {
        bool planned = _factors is not null && _type == like.dtype && _asked.Count < _planned.Count
            && _planned[_asked.Count] == (rows, rate);
        // A step that goes other ways than the one before draws the same numbers, one layer at a time.
        if (!planned && _factors is not null) Restart();
        _asked.Add((rows, rate));
        _type = like.dtype;
        if (!planned) return Draw(rows, rate).to(like.dtype).to(like.device, non_blocking: true);
        _drawn += rows;
        return _factors!.narrow(0, _drawn - rows, rows);
    }

    public void Dispose()
    {
        _factors?.Dispose();
        _generator.Dispose();
    }

    private void Restart()
    {
        _factors!.Dispose();
        _factors = null;
        _generator.manual_seed(_generator.initial_seed());
        using var scope = NewDisposeScope();
        foreach (var (rows, rate) in _asked) Draw(rows, rate);
    }

    private Tensor Draw(long rows, double rate) =>
        empty([rows], ScalarType.Float32, CPU).bernoulli_(1 - rate, _generator).Div_(1 - rate);
}
