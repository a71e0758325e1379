using static TorchSharp.torch;

namespace MLNet.Ssl.Networks;

/// <summary>What a linear layer did in a forward pass.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Input">(B, inputs), in the graph of what was before it.</param>
/// <param name="Output">The product, where the graph of what follows begins.</param>
/// <param name="IsColumns">Whether the output is (outputs, B), not (B, outputs).</param>
internal sealed record LinearPass(Linear Layer, Tensor Input, Tensor Output, bool IsColumns);

/// <summary>
/// The passes through linear layers, in their order, which cut autograd's graph: what goes back through a layer is left
/// to who reads the tape.
/// </summary>
internal sealed class LinearTape : IDisposable
{
    private readonly List<LinearPass> _passes = [];

    /// <summary>The passes since <see cref="Clear"/>.</summary>
    public IReadOnlyList<LinearPass> Passes => _passes;

    /// <summary>Notes a pass and gives its output, on which no operator in place may follow.</summary>
    public Tensor Record(Linear layer, Tensor input, bool isColumns)
    {
        Tensor output;
        using (no_grad()) output = layer.Product(input, isColumns).DetachFromDisposeScope();
        _passes.Add(new(layer, input.alias().DetachFromDisposeScope(), output.requires_grad_(), isColumns));
        return output.alias();
    }

    /// <summary>Forgets all passes.</summary>
    public void Clear()
    {
        foreach (var pass in _passes)
        {
            pass.Input.Dispose();
            pass.Output.Dispose();
        }
        _passes.Clear();
    }

    /// <inheritdoc cref="Clear"/>
    public void Dispose() => Clear();
}
