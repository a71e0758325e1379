using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>DINO's vision transformer of TorchSharp's own modules, as its Python code reads.</summary>
internal sealed class PlainVisionTransformer : Module<Tensor, Tensor>
{
    private readonly long _patch;
    private readonly Parameter cls_token;
    private readonly Parameter pos_embed;
    private readonly PlainPatchEmbedding patch_embed;
    private readonly ModuleList<PlainBlock> blocks;
    private readonly Module<Tensor, Tensor> norm;

    public PlainVisionTransformer(VisionTransformerOptions options, double dropPath)
        : base(nameof(PlainVisionTransformer))
    {
        long width = options.EmbeddingDimension, side = options.ImageSize / options.PatchSize;
        _patch = options.PatchSize;
        cls_token = Parameter(init.normal_(zeros(1, 1, width), std: 0.02));
        pos_embed = Parameter(init.normal_(zeros(1, 1 + side * side, width), std: 0.02));
        patch_embed = new(_patch, width);
        blocks = new([.. Enumerable.Range(0, options.Depth)
            .Select(i => new PlainBlock(width, options.Heads, dropPath * i / (options.Depth - 1)))]);
        norm = LayerNorm(width, eps: 1e-6);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var positions = Positions(x.size(2) / _patch, x.size(3) / _patch);
        x = patch_embed.call(x);
        x = cat([cls_token.expand(x.size(0), -1, -1), x], 1) + positions;
        foreach (var block in blocks) x = block.call(x);
        return norm.call(x)[.., 0];
    }

    private Tensor Positions(long rows, long columns)
    {
        long tokens = pos_embed.size(1) - 1, side = (long)Math.Sqrt(tokens);
        if (rows == side && columns == side) return pos_embed;
        var grid = pos_embed[.., 1..].reshape(1, side, side, -1).permute(0, 3, 1, 2);
        double[] scale = [(rows + 0.1) / side, (columns + 0.1) / side];
        grid = functional.interpolate(grid, scale_factor: scale, mode: InterpolationMode.Bicubic, align_corners: false);
        return cat([pos_embed[.., ..1], grid.permute(0, 2, 3, 1).reshape(1, -1, pos_embed.size(2))], 1);
    }
}

internal sealed class PlainPatchEmbedding : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> proj;

    public PlainPatchEmbedding(long patch, long width) : base(nameof(PlainPatchEmbedding))
    {
        proj = Conv2d(3, width, patch, patch);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => proj.call(x).flatten(2).transpose(1, 2);
}

internal sealed class PlainBlock : Module<Tensor, Tensor>
{
    private readonly double _dropPath;
    private readonly Module<Tensor, Tensor> norm1;
    private readonly PlainAttention attn;
    private readonly Module<Tensor, Tensor> norm2;
    private readonly PlainMlp mlp;

    public PlainBlock(long width, long heads, double dropPath) : base(nameof(PlainBlock))
    {
        _dropPath = dropPath;
        norm1 = LayerNorm(width, eps: 1e-6);
        attn = new(width, heads);
        norm2 = LayerNorm(width, eps: 1e-6);
        mlp = new(width, 4 * width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        x = x + DropPath(attn.call(norm1.call(x)));
        return x + DropPath(mlp.call(norm2.call(x)));
    }

    private Tensor DropPath(Tensor x) =>
        _dropPath == 0 ? x : x / (1 - _dropPath) * (rand([x.size(0), 1, 1]) + (1 - _dropPath)).floor();
}

internal sealed class PlainAttention : Module<Tensor, Tensor>
{
    private readonly long _heads;
    private readonly Module<Tensor, Tensor> qkv;
    private readonly Module<Tensor, Tensor> proj;

    public PlainAttention(long width, long heads) : base(nameof(PlainAttention))
    {
        _heads = heads;
        qkv = PlainWeights.Linear(width, 3 * width);
        proj = PlainWeights.Linear(width, width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        long batch = x.size(0), tokens = x.size(1), width = x.size(2);
        var parts = qkv.call(x).reshape(batch, tokens, 3, _heads, width / _heads).permute(2, 0, 3, 1, 4);
        var mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2]);
        return proj.call(mixed.transpose(1, 2).reshape(batch, tokens, width));
    }
}

internal sealed class PlainMlp : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> fc1;
    private readonly Module<Tensor, Tensor> fc2;

    public PlainMlp(long width, long hidden) : base(nameof(PlainMlp))
    {
        fc1 = PlainWeights.Linear(width, hidden);
        fc2 = PlainWeights.Linear(hidden, width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => fc2.call(functional.gelu(fc1.call(x)));
}

/// <summary>DINO's head: an MLP, the l2 norm, and a linear layer whose rows have norm 1.</summary>
internal sealed class PlainDinoHead : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> mlp;
    private readonly PlainWeightNorm last_layer;

    public PlainDinoHead(long width, DinoOptions options) : base(nameof(PlainDinoHead))
    {
        long hidden = options.HeadHiddenDimension, bottleneck = options.HeadBottleneckDimension;
        mlp = Sequential(
            PlainWeights.Linear(width, hidden), GELU(), PlainWeights.Linear(hidden, hidden), GELU(),
            PlainWeights.Linear(hidden, bottleneck));
        last_layer = new(bottleneck, options.OutputDimension!.Value);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => last_layer.call(functional.normalize(mlp.call(x), dim: -1));
}

internal sealed class PlainWeightNorm : Module<Tensor, Tensor>
{
    private readonly Parameter weight_g;
    private readonly Parameter weight_v;

    public PlainWeightNorm(long inputs, long outputs) : base(nameof(PlainWeightNorm))
    {
        weight_g = Parameter(ones(outputs, 1), requires_grad: false);
        weight_v = Parameter(init.uniform_(zeros(outputs, inputs), -1 / Math.Sqrt(inputs), 1 / Math.Sqrt(inputs)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) =>
        functional.linear(x, weight_v * (weight_g / weight_v.norm(1, keepdim: true)));
}
