using MLNet.Ssl.Onnx;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// A pre-norm transformer block: x += Attention(LN(x)); x += Mlp(LN(x)), both sums through drop path, and each branch
/// through a layer scale where there is one. (B,N,D) → (B,N,D), or (B,1,D) if only the class token of the result is
/// wanted: then queries, projection and MLP are computed for that token alone.
/// </summary>
internal sealed class TransformerBlock : Module<Tensor, bool, RotaryPositions?, Tensor>
{
    private LayerNorm norm1;
    private SelfAttention attn;
    private LayerScale? ls1;
    private LayerNorm norm2;
    private Module<Tensor, Tensor> mlp;
    private LayerScale? ls2;
    private DropPath drop_path;

    public TransformerBlock(VisionTransformerOptions options, double dropPath, torch.Generator generator)
        : base(nameof(TransformerBlock))
    {
        long width = options.EmbeddingDimension, hidden = options.HiddenDimension;
        norm1 = new LayerNorm(width, options.NormEpsilon);
        attn = new SelfAttention(width, options.Heads, generator);
        norm2 = new LayerNorm(width, options.NormEpsilon);
        mlp = options.SwiGlu ? new SwiGlu(width, hidden, generator) : new TransformerMlp(width, hidden, generator);
        if (options.LayerScale is { } scale) (ls1, ls2) = (new LayerScale(width, scale), new LayerScale(width, scale));
        drop_path = new DropPath(dropPath);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, bool classTokenOnly, RotaryPositions? positions)
    {
        // What autograd does not keep is freed block by block.
        using var scope = NewDisposeScope();
        var attended = Scaled(ls1, attn.call(norm1.call(x), classTokenOnly, positions));
        x = drop_path.call(classTokenOnly ? x.narrow(1, 0, 1) : x, attended);
        return drop_path.call(x, Scaled(ls2, mlp.call(norm2.call(x)))).MoveToOuterDisposeScope();
    }

    public string Export(OnnxGraph graph, string x, RotaryPositions? positions, long prefix)
    {
        x = graph.Add(x, Scaled(ls1, attn.Export(graph, norm1.Export(graph, x), positions, prefix)));
        return graph.Add(x, Scaled(ls2, graph.Apply(mlp, norm2.Export(graph, x))));

        string Scaled(LayerScale? scale, string branch) => scale is null ? branch : scale.Export(graph, branch);
    }

    public Tensor AttentionWeights(Tensor x, bool classTokenOnly, RotaryPositions? positions) =>
        attn.AttentionWeights(norm1.call(x), classTokenOnly, positions);

    private static Tensor Scaled(LayerScale? scale, Tensor branch) => scale is null ? branch : scale.call(branch);
}

/// <summary>A gated MLP, W₃(silu(W₁x)·W₂x) (Shazeer, arXiv 2002.05202), W₁ and W₂ in one
/// matrix as DINOv2 has it.</summary>
internal sealed class SwiGlu : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly long _hidden;
    private Linear w12;
    private Linear w3;

    public SwiGlu(long width, long hidden, torch.Generator generator) : base(nameof(SwiGlu))
    {
        _hidden = hidden;
        w12 = new Linear(width, 2 * hidden, generator, deviation: 0.02);
        w3 = new Linear(hidden, width, generator, deviation: 0.02);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var halves = w12.call(x).chunk(2, -1);
        return w3.call(functional.silu(halves[0]).mul(halves[1]));
    }

    public string Export(OnnxGraph graph, string x)
    {
        x = w12.Export(graph, x);
        return w3.Export(graph,
            graph.Mul(graph.Silu(graph.Slice(x, 0, _hidden, 2)), graph.Slice(x, _hidden, _hidden, 2)));
    }
}

/// <summary>Two linear layers with the exact GELU between.</summary>
internal sealed class TransformerMlp : Module<Tensor, Tensor>, IOnnxLayer
{
    private Linear fc1;
    private Linear fc2;

    public TransformerMlp(long width, long hidden, torch.Generator generator) : base(nameof(TransformerMlp))
    {
        fc1 = new Linear(width, hidden, generator, deviation: 0.02);
        fc2 = new Linear(hidden, width, generator, deviation: 0.02);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        // Four times as wide as the rest: without a gradient to compute, none is held longer than it is needed.
        using var hidden = fc1.call(x);
        using var active = functional.gelu(hidden);
        return fc2.call(active);
    }

    public string Export(OnnxGraph graph, string x) => fc2.Export(graph, graph.Gelu(fc1.Export(graph, x)));
}
