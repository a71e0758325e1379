using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>Multi-head self-attention: (B,N,D) → (B,N,D), or (B,1,D) for the class token alone.</summary>
internal sealed class SelfAttention : Module<Tensor, bool, RotaryPositions?, Tensor>
{
    private readonly long _width, _heads;
    private Linear qkv;
    private Linear proj;

    public SelfAttention(long width, long heads, torch.Generator generator) : base(nameof(SelfAttention))
    {
        _width = width;
        _heads = heads;
        qkv = new Linear(width, 3 * width, generator, deviation: 0.02);
        proj = new Linear(width, width, generator, deviation: 0.02);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, bool classTokenOnly, RotaryPositions? positions)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = Project(x, classTokenOnly, positions);
        var mixed = functional.scaled_dot_product_attention(q, k, v);
        return proj.call(mixed.transpose(1, 2).flatten(2)).MoveToOuterDisposeScope();
    }

    public string Export(OnnxGraph graph, string x, RotaryPositions? positions, long prefix)
    {
        // (B,N,3D) → (3,B,heads,N,D/heads)
        string all =
            graph.Transpose(graph.Reshape(qkv.Export(graph, x), 0, 0, 3, _heads, _width / _heads), 2, 0, 3, 1, 4);
        string q = graph.Select(all, 0, 0), k = graph.Select(all, 0, 1), v = graph.Select(all, 0, 2);
        if (positions is not null) (q, k) = (positions.Export(graph, q, prefix), positions.Export(graph, k, prefix));
        string scaled = graph.Mul(q, graph.Constant((float)Scale));
        string weights = graph.Softmax(graph.MatMul(scaled, graph.Transpose(k, 0, 1, 3, 2)));
        string mixed = graph.Transpose(graph.MatMul(weights, v), 0, 2, 1, 3);
        return proj.Export(graph, graph.Reshape(mixed, 0, 0, _width));
    }

    /// <summary>(B,heads,N,N), or the class token's row (B,heads,1,N).</summary>
    public Tensor AttentionWeights(Tensor x, bool classTokenOnly, RotaryPositions? positions)
    {
        var (q, k, _) = Project(x, classTokenOnly, positions);
        return q.Mul(Scale).Products(k.transpose(2, 3)).softmax(-1);
    }

    private double Scale => Math.Pow(_width / _heads, -0.5);

    private (Tensor Q, Tensor K, Tensor V) Project(Tensor x, bool classTokenOnly, RotaryPositions? positions)
    {
        if (!classTokenOnly)
        {
            var all = Split(qkv.call(x), 3);
            return (Turned(all[0]), Turned(all[1]), all[2]);
        }
        // The class token has no place, so its query is not turned.
        var query = Split(qkv.Outputs(x.narrow(1, 0, 1), 0, _width), 1);
        var rest = Split(qkv.Outputs(x, _width, 2 * _width), 2);
        return (query[0], Turned(rest[0]), rest[1]);

        Tensor Turned(Tensor t) => positions is null ? t : positions.Turn(t);
    }

    /// <summary>(B,N,parts·D) → parts tensors (B,heads,N,D/heads).</summary>
    private Tensor[] Split(Tensor t, long parts) =>
        t.view(t.size(0), t.size(1), parts, _heads, _width / _heads).permute(2, 0, 3, 1, 4).unbind(0);
}
