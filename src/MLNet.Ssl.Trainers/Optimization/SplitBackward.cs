using System.Collections.Concurrent;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Optimization;

/// <summary>
/// A backward pass on two threads: one takes the gradient back from layer to layer, the other one multiplies it with
/// the inputs of linear layers, which gives the gradients of their weights and is waited for by nothing.
/// </summary>
/// <remarks>For a network of little else than linear layers, whose operators are too short to be split
/// well.</remarks>
internal sealed class SplitBackward : IDisposable
{
    private readonly GradientBuffer _gradients;
    private readonly ShardThreads _threads;
    private readonly LinearTape _tape = new();
    private readonly List<Linear> _layers;
    private readonly Dictionary<nint, int> _number = [];
    private readonly bool[] _written;

    /// <param name="network">The network, whose linear layers are put on a tape until this is disposed.</param>
    /// <param name="gradients">What is written to.</param>
    /// <param name="threads">Two; the caller keeps ownership.</param>
    public SplitBackward(nn.Module network, GradientBuffer gradients, ShardThreads threads)
    {
        (_gradients, _threads) = (gradients, threads);
        for (int i = 0; i < gradients.Parameters.Count; i++) _number[gradients.Parameters[i].Handle] = i;
        _written = new bool[_number.Count];
        _layers = [.. network.modules().OfType<Linear>()];
        foreach (var layer in _layers) layer.Tape = _tape;
    }

    /// <summary>Replaces the gradients by d<paramref name="loss"/>/dθ.</summary>
    /// <exception cref="InvalidOperationException">The loss does not depend on a parameter.</exception>
    public void Run(Tensor loss)
    {
        Array.Clear(_written);
        using var weights = new BlockingCollection<(LinearPass Pass, Tensor Gradient)>();
        try
        {
            _threads.Run(side =>
            {
                if (side == 1) MultiplyWeights(weights);
                else
                {
                    try
                    {
                        PassBack(loss, weights);
                    }
                    finally
                    {
                        weights.CompleteAdding();
                    }
                }
            });
        }
        finally
        {
            while (weights.TryTake(out var left)) left.Gradient.Dispose();
            _tape.Clear();
        }
        int missing = Array.IndexOf(_written, false);
        if (missing >= 0)
            throw new InvalidOperationException("The loss does not depend on the parameter "
                + $"'{_gradients.Groups.SelectMany(group => group.Slots).ElementAt(missing).Name}'.");
    }

    public void Dispose()
    {
        foreach (var layer in _layers) layer.Tape = null;
        _tape.Dispose();
    }

    private void PassBack(Tensor loss, BlockingCollection<(LinearPass Pass, Tensor Gradient)> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var passes = _tape.Passes;
        // What a layer gives may go several ways; autograd sums at its output what comes back.
        autograd.backward([loss], retain_graph: true);
        for (int i = passes.Count - 1; i >= 0; i--)
        {
            var pass = passes[i];
            if (pass.Output.grad is not { } gradient) continue;
            weights.Add((pass, gradient.alias().DetachFromDisposeScope()));
            if (pass.Input.requires_grad)
                autograd.backward([pass.Input],
                    [(pass.IsColumns ? gradient.t() : gradient).mm(pass.Layer.Weight)], retain_graph: true);
        }
        // Those between the layers.
        foreach (var parameter in _gradients.Parameters)
        {
            if (parameter.grad is not { } gradient) continue;
            Write(parameter, gradient);
            parameter.grad = null;
        }
    }

    private void MultiplyWeights(BlockingCollection<(LinearPass Pass, Tensor Gradient)> weights)
    {
        using var noGrad = no_grad();
        foreach (var (pass, gradient) in weights.GetConsumingEnumerable())
        {
            using var scope = NewDisposeScope();
            using var _ = gradient;
            var columns = pass.IsColumns ? gradient : gradient.t();
            int number = _number[pass.Layer.Weight.Handle];
            _gradients.Views[number].addmm_(columns, pass.Input, _written[number] ? 1 : 0, 1);
            _written[number] = true;
            if (pass.Layer.Bias is { } bias) Write(bias, columns.sum(1));
        }
    }

    private void Write(Tensor parameter, Tensor gradient)
    {
        int number = _number[parameter.Handle];
        if (_written[number]) _gradients.Views[number].Add_(gradient);
        else _gradients.Views[number].copy_(gradient);
        _written[number] = true;
    }
}
