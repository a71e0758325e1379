using MLNet.Ssl.Onnx;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// A pre-norm transformer block: x += Attention(LN(x)); x += Mlp(LN(x)), both sums through drop path. (B,N,D) → (B,N,D), or (B,1,D) if only the
/// class token of the result is wanted: then queries, projection and MLP are computed for that token alone.
/// </summary>
internal sealed class TransformerBlock : Module<Tensor, bool, Tensor>, IOnnxLayer
{
    private LayerNorm norm1;
    private SelfAttention attn;
    private LayerNorm norm2;
    private TransformerMlp mlp;
    private DropPath drop_path;

    public TransformerBlock(long width, long heads, long hidden, double dropPath, double eps, torch.Generator generator) : base(nameof(TransformerBlock))
    {
        norm1 = new LayerNorm(width, eps);
        attn = new SelfAttention(width, heads, generator);
        norm2 = new LayerNorm(width, eps);
        mlp = new TransformerMlp(width, hidden, generator);
        drop_path = new DropPath(dropPath);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, bool classTokenOnly)
    {
        // What autograd does not keep is freed block by block.
        using var scope = NewDisposeScope();
        var attended = attn.call(norm1.call(x), classTokenOnly);
        x = drop_path.call(classTokenOnly ? x.narrow(1, 0, 1) : x, attended);
        return drop_path.call(x, mlp.call(norm2.call(x))).MoveToOuterDisposeScope();
    }

    public string Export(OnnxGraph graph, string x)
    {
        x = graph.Add(x, attn.Export(graph, norm1.Export(graph, x)));
        return graph.Add(x, mlp.Export(graph, norm2.Export(graph, x)));
    }

    public Tensor AttentionWeights(Tensor x, bool classTokenOnly) => attn.AttentionWeights(norm1.call(x), classTokenOnly);
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

    public override Tensor forward(Tensor x) => fc2.call(functional.gelu(fc1.call(x)));

    public string Export(OnnxGraph graph, string x) => fc2.Export(graph, graph.Gelu(fc1.Export(graph, x)));
}
