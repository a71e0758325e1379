using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Inference;

/// <summary>
/// A batch on its way into an encoder. To an accelerator it sets out when it is made: in few bytes and from pinned
/// memory, so that nobody waits for the copy, and what is left to do is done there. On a processor the rows become
/// inputs when they are embedded, a part at a time.
/// </summary>
internal sealed class LoadedRows : IDisposable
{
    private readonly Func<int, int, Tensor> _inputs;
    private readonly Tensor? _there;

    private LoadedRows(int count, Func<int, int, Tensor> inputs, Tensor? there) =>
        (Count, _inputs, _there) = (count, inputs, there);

    /// <summary>Rows of the batch.</summary>
    public int Count { get; }

    /// <summary>Rows whose inputs are made when they are asked for.</summary>
    /// <param name="count">How many.</param>
    /// <param name="inputs">Inputs (rows, …) from a row on, so many.</param>
    public static LoadedRows Here(int count, Func<int, int, Tensor> inputs) => new(count, inputs, null);

    /// <summary>Rows that set out for a device.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="rows">The rows (N, …) on the processor, which are taken over.</param>
    /// <param name="inputs">What is left to do on the device to some of them.</param>
    public static LoadedRows On(Device device, Tensor rows, Func<Tensor, Tensor> inputs)
    {
        var there = NativeTensor.Send(rows, device).DetachFromDisposeScope();
        return new((int)there.size(0), (first, count) => inputs(there.narrow(0, first, count)), there);
    }

    /// <summary>The network's inputs of some rows, in the current dispose scope.</summary>
    public Tensor Inputs(int first, int count) => _inputs(first, count);

    public void Dispose() => _there?.Dispose();
}
