using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Optimization;

/// <summary>An optimiser on flat parameter groups.</summary>
internal abstract class FlatOptimizer : IDisposable
{
    // A piece of every buffer stays in the processor's cache from the first operator of an update to the last.
    private const long Piece = 1 << 17;

    private readonly Dictionary<string, GroupState> _state = [];

    /// <summary>Threads that share an update's pieces; null for the calling one.</summary>
    internal ShardThreads? Threads { get; set; }

    /// <summary>Number of state tensors, each of the group's size.</summary>
    protected abstract int StateTensors { get; }

    /// <summary>Moves <paramref name="group"/> one step along <paramref name="gradient"/>.</summary>
    /// <param name="group">The parameters.</param>
    /// <param name="gradient">Their flat gradient; may be overwritten.</param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="weightDecay">Weight decay of this step; 0 for none.</param>
    public void Step(ParameterGroup group, Tensor gradient, double learningRate, double weightDecay)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var state = StateOf(group);
        state.Steps.Add_(1);
        Update(group, gradient, state.Tensors, state.Steps.item<long>(), learningRate, weightDecay);
    }

    /// <summary>What the optimiser keeps of these groups from one step to the next, by name; the
    /// tensors are the live ones.</summary>
    /// <param name="groups">The groups that it moves.</param>
    public IEnumerable<(string Name, Tensor Value)> State(IEnumerable<ParameterGroup> groups) =>
        groups.SelectMany(group =>
    {
        var state = StateOf(group);
        return state.Tensors.Select((tensor, i) => ($"optimizer.{group.Name}.{i}", tensor))
            .Append(($"optimizer.{group.Name}.steps", state.Steps));
    });

    /// <summary>Releases the state.</summary>
    public void Dispose()
    {
        foreach (var tensor in _state.Values.SelectMany(state => state.Tensors.Append(state.Steps))) tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Zeros before the first step.</summary>
    private GroupState StateOf(ParameterGroup group)
    {
        if (_state.TryGetValue(group.Name, out var state)) return state;
        return _state[group.Name] = new(
            [.. Enumerable.Range(0, StateTensors).Select(_ => zeros_like(group.Values).DetachFromDisposeScope())],
            zeros([1], ScalarType.Int64, CPU).DetachFromDisposeScope());
    }

    private sealed record GroupState(Tensor[] Tensors, Tensor Steps);

    /// <summary>One update of a group; <paramref name="step"/> counts the group's updates from 1.</summary>
    protected abstract void Update(ParameterGroup group, Tensor gradient, Tensor[] state, long step,
        double learningRate, double weightDecay);

    /// <summary>Runs <paramref name="update"/> on corresponding pieces of the tensors.</summary>
    protected void InPieces(IReadOnlyList<Tensor> tensors, Action<Tensor[]> update)
    {
        long length = tensors[0].numel(), piece = tensors[0].device_type == TorchSharp.DeviceType.CPU ? Piece : length;
        int threads = length > piece && Threads is { } t ? t.Count : 1;
        if (threads == 1) Every(0);
        else Threads!.Run(Every);

        void Every(int first)
        {
            using var noGrad = no_grad();
            for (long offset = first * piece; offset < length; offset += threads * piece)
            {
                using var scope = NewDisposeScope();
                update([.. tensors.Select(t => t.narrow(0, offset, Math.Min(piece, length - offset)))]);
            }
        }
    }
}

/// <summary>AdamW: Adam with decoupled weight decay (Loshchilov &amp; Hutter, arXiv 1711.05101).</summary>
/// <param name="beta1">Decay of the first moment.</param>
/// <param name="beta2">Decay of the second moment.</param>
/// <param name="epsilon">Added to the root of the second moment.</param>
internal sealed class AdamW(double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8) : FlatOptimizer
{
    /// <inheritdoc/>
    protected override int StateTensors => 2;

    /// <inheritdoc/>
    protected override void Update(ParameterGroup group, Tensor gradient, Tensor[] state, long step,
        double learningRate, double weightDecay)
    {
        double correction1 = 1 - Math.Pow(beta1, step), correction2 = Math.Sqrt(1 - Math.Pow(beta2, step));
        InPieces([group.Values, gradient, .. state], t =>
        {
            var (w, g, m, v) = (t[0], t[1], t[2], t[3]);
            if (weightDecay != 0) w.Mul_(1 - learningRate * weightDecay);
            m.Mul_(beta1).Add_(g, 1 - beta1);
            v.Mul_(beta2).AddCMul_(g, g, 1 - beta2);
            w.AddCDiv_(m, v.sqrt().Div_(correction2).Add_(epsilon), -learningRate / correction1);
        });
    }
}

/// <summary>Stochastic gradient descent with momentum and coupled (L2) weight decay, as in PyTorch: v ← μv
/// + (g + λw), w ← w − η·v.</summary>
/// <param name="momentum">μ.</param>
internal sealed class Sgd(double momentum = 0.9) : FlatOptimizer
{
    /// <inheritdoc/>
    protected override int StateTensors => 1;

    /// <inheritdoc/>
    protected override void Update(ParameterGroup group, Tensor gradient, Tensor[] state, long step,
        double learningRate, double weightDecay) =>
        InPieces([group.Values, gradient, state[0]], t =>
        {
            var (w, g, v) = (t[0], t[1], t[2]);
            v.Mul_(momentum).Add_(g);
            if (weightDecay != 0) v.Add_(w, weightDecay);
            w.Add_(v, -learningRate);
        });
}
