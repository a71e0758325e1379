using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>The last K keys, first in first out: MoCo's negatives (He et al., arXiv 1911.05722).</summary>
public sealed class NegativeQueue : IDisposable
{
    private const string ColumnsName = "queue", PointerName = "queue_ptr";

    private readonly Tensor _columns;
    private readonly List<Tensor> _held = [];
    private readonly Tensor _pointer = zeros([1], ScalarType.Int64, CPU).DetachFromDisposeScope();

    /// <summary>Fills the queue with random columns of norm 1.</summary>
    /// <param name="width">d, width of a key.</param>
    /// <param name="length">K.</param>
    /// <param name="generator">Source of the columns.</param>
    /// <param name="device">Where the queue lives.</param>
    public NegativeQueue(long width, long length, Generator generator, Device device)
    {
        using var scope = NewDisposeScope();
        var columns = empty([width, length], ScalarType.Float32, CPU).normal_(0, 1, generator);
        _columns = nn.functional.normalize(columns, dim: 0).to(device).DetachFromDisposeScope();
    }

    /// <summary>(d, K), columns of norm 1.</summary>
    public Tensor Columns => _columns;

    /// <summary>Column that the next key goes to.</summary>
    public long Pointer
    {
        get => _pointer.item<long>();
        internal set
        {
            using var scope = NewDisposeScope();
            _pointer.Fill_(value);
        }
    }

    /// <summary>What a checkpoint holds of it, under the official names; part of <see cref="Method.State"/>.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => [(ColumnsName, _columns), (PointerName, _pointer)];

    /// <summary>Why a queue cannot go on from a checkpoint's state; null if it can.</summary>
    /// <param name="state">Tensors of the shapes and types that <see cref="State"/> has.</param>
    /// <param name="batch">B: keys go in at multiples of it.</param>
    internal static string? Misfit(IReadOnlyDictionary<string, Tensor> state, long batch)
    {
        long pointer = state[PointerName].item<long>(), length = state[ColumnsName].size(1);
        return pointer >= 0 && pointer < length && pointer % batch == 0
            ? null
            : $"its {PointerName} is {pointer}; expected a multiple of {batch} from 0 to {length - batch}";
    }

    /// <summary>Overwrites the oldest columns.</summary>
    /// <param name="keys">(B, d), rows of norm 1; K must be a multiple of B.</param>
    /// <exception cref="ArgumentException">K is no multiple of B.</exception>
    public void Enqueue(Tensor keys)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Put(_columns, keys);
        Pointer = (Pointer + keys.size(0)) % _columns.size(1);
    }

    /// <summary>Keeps the keys of a step until <see cref="EnqueueHeld"/>, when its loss no
    /// longer needs the columns.</summary>
    internal void Hold(Tensor keys) => _held.Add(keys.alias().DetachFromDisposeScope());

    /// <summary>Enqueues what is held.</summary>
    internal void EnqueueHeld()
    {
        foreach (var keys in _held)
        {
            Enqueue(keys);
            keys.Dispose();
        }
        _held.Clear();
    }

    /// <summary>The columns as they will be after <see cref="Enqueue"/>, as a tensor of its own.</summary>
    /// <inheritdoc cref="Enqueue"/>
    public Tensor With(Tensor keys)
    {
        using var noGrad = no_grad();
        return Put(_columns.clone(), keys);
    }

    /// <summary>Releases the columns.</summary>
    public void Dispose()
    {
        foreach (var keys in _held) keys.Dispose();
        _columns.Dispose();
        _pointer.Dispose();
    }

    private Tensor Put(Tensor columns, Tensor keys)
    {
        long batch = keys.size(0), length = columns.size(1);
        if (length % batch != 0)
            throw new ArgumentException($"the queue holds {length} keys; that must be a multiple of the batch, which "
                + $"is {batch}.", nameof(keys));
        columns.narrow(1, Pointer, batch).copy_(keys.t());
        return columns;
    }
}
