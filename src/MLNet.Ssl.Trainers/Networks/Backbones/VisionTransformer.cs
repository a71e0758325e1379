using System.Collections.Concurrent;
using MLNet.Ssl.Onnx;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Networks;

/// <summary>
/// The vision transformer of DINO (Caron et al., arXiv 2104.14294; Dosovitskiy et al., arXiv 2010.11929), DINOv2 (Oquab
/// et al., arXiv 2304.07193) and DINOv3 (Siméoni et al., arXiv 2508.10104): patches, a class token and registers
/// through pre-norm blocks; the feature is the class token after the final layer norm, or those of several blocks.
/// </summary>
/// <remarks>State-dict names are those of the official repository, so its checkpoints load by name.</remarks>
internal sealed class VisionTransformer : Backbone, ITokenBackbone, IOnnxLayer
{
    private const int MostGrids = 8;

    private readonly VisionTransformerOptions _options;

    // By grid of patches: training has two or three of them, attention maps any.
    private readonly ConcurrentDictionary<(long Rows, long Columns), RotaryPositions> _rotary = [];

    private Parameter cls_token;
    private Parameter? pos_embed;
    private Parameter? register_tokens;
    private nn.Module<Tensor, Tensor> patch_embed;
    private ModuleList<TransformerBlock> blocks;
    private LayerNorm norm;

    /// <summary>Builds the network on the CPU with random weights: N(0, 0.02²), biases zero, the patch
    /// projection by PyTorch's default.</summary>
    /// <param name="options">Architecture.</param>
    /// <param name="generator">Source of the weights.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public VisionTransformer(VisionTransformerOptions options, torch.Generator generator)
        : base(nameof(VisionTransformer), options.Validated().EmbeddingDimension)
    {
        ArgumentNullException.ThrowIfNull(generator);
        _options = options;
        int width = options.EmbeddingDimension, side = options.ImageSize / options.PatchSize;
        patch_embed = options.ConvolutionalStem ? new ConvStem(width, generator)
            : new PatchEmbedding(options.PatchSize, width, generator);
        cls_token = Initialization.Normal(0.02, generator, 1, 1, width);
        if (!options.RotaryPositions)
            pos_embed = Initialization.Normal(0.02, generator, 1, 1 + (long)side * side, width);
        if (options.Registers > 0)
            register_tokens = Initialization.Normal(0.02, generator, 1, options.Registers, width);
        blocks = new ModuleList<TransformerBlock>([.. Enumerable.Range(0, options.Depth).Select(i =>
            new TransformerBlock(options, DropPathRate(i), generator))]);
        norm = new LayerNorm(width, options.NormEpsilon);
        RegisterComponents();
        if (options.Flavor == VisionTransformerFlavor.MoCoV3) InitializeAsMoCoV3(generator);
    }

    /// <inheritdoc/>
    public override BackboneOptions Options => _options;

    /// <inheritdoc/>
    public int PatchSize => _options.PatchSize;

    /// <inheritdoc/>
    public int PrefixTokens => 1 + _options.Registers;

    private int Width => _options.EmbeddingDimension;

    private void InitializeAsMoCoV3(torch.Generator generator)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        int side = _options.ImageSize / _options.PatchSize;
        pos_embed!.copy_(tensor(SinCosPositions.Table(side, side, Width), pos_embed.shape));
        pos_embed.requires_grad = false;
        cls_token.normal_(0, 1e-6, generator);
        foreach (var (name, parameter) in named_parameters())
        {
            bool ofStem = _options.ConvolutionalStem && name.StartsWith("patch_embed", StringComparison.Ordinal);
            if (parameter.ndim < 2 || ofStem || name is "pos_embed" or "cls_token") continue;
            long outputs = parameter.size(0), inputs = parameter.numel() / outputs;
            if (name.Contains("qkv", StringComparison.Ordinal)) outputs /= 3;
            double bound = Math.Sqrt(6.0 / (inputs + outputs));
            parameter.uniform_(-bound, bound, generator);
        }
        // The linear layers' biases are zero already; only the patch projection has PyTorch's default. A
        // convolutional stem keeps that default.
        if (!_options.ConvolutionalStem)
            named_parameters().First(p => p.name == "patch_embed.proj.bias").parameter.zero_();
    }

    private double DropPathRate(int block) =>
        _options.Depth == 1 ? 0 : _options.DropPathRate * block / (_options.Depth - 1);

    /// <summary>Embeds images.</summary>
    /// <param name="x">Normalised images (B,3,H,W), H and W at least a patch; a rest that does
    /// not fill a patch is cut off.</param>
    /// <returns>Class tokens after the final norm (B,D), or what
    /// <see cref="VisionTransformerOptions.LastBlocks"/> and
    /// <see cref="VisionTransformerOptions.AveragePoolPatchTokens"/> say.</returns>
    /// <exception cref="ArgumentException">The images are smaller than a patch or not (B,3,H,W).</exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var positions = Rotary(x.shape);
        x = Tokens(x);
        bool pools = _options.AveragePoolPatchTokens;
        var features = new List<Tensor>(_options.LastBlocks);
        for (int i = 0; i < blocks.Count; i++)
        {
            // Tokens that autograd does not keep are freed block by block.
            using var input = x;
            // Where nothing else is read of it, the last block computes only what the class token needs.
            x = blocks[i].call(input, i == blocks.Count - 1 && !pools, positions);
            if (i < blocks.Count - _options.LastBlocks) continue;
            features.Add(pools ? WithMeanPatch(norm.call(x)) : norm.call(x.select(1, 0)));
        }
        return (features.Count == 1 ? features[0] : cat(features, 1)).MoveToOuterDisposeScope();
    }

    private Tensor WithMeanPatch(Tensor tokens) =>
        stack([tokens.select(1, 0), tokens.narrow(1, PrefixTokens, tokens.size(1) - PrefixTokens).mean([1])], 2)
            .flatten(1);

    string IOnnxLayer.Export(OnnxGraph graph, string x)
    {
        long[] shape = [1, .. graph.InputShape];
        CheckShape(shape);
        string input = x;
        x = graph.Apply(patch_embed, x);
        x = graph.Concat(1, graph.ForEachRow(graph.Weight(cls_token), input, 1, Width), x);
        if (pos_embed is not null) x = graph.Add(x, graph.Weight(nameof(pos_embed), Positions(shape[2], shape[3])));
        if (register_tokens is not null)
        {
            long patches = shape[2] / PatchSize * (shape[3] / PatchSize);
            string registers =
                graph.ForEachRow(graph.Weight(register_tokens), input, _options.Registers, Width);
            x = graph.Concat(1, graph.Slice(x, 0, 1, 1), registers, graph.Slice(x, 1, patches, 1));
        }
        var positions = Rotary(shape);
        var tokens = new List<string>(blocks.Count);
        foreach (var block in blocks) tokens.Add(x = block.Export(graph, x, positions, PrefixTokens));
        string[] features = [.. tokens.TakeLast(_options.LastBlocks).Select(Feature)];
        return features is [var only] ? only : graph.Concat(1, features);

        string Feature(string x)
        {
            if (!_options.AveragePoolPatchTokens) return norm.Export(graph, graph.Select(x, axis: 1, index: 0));
            x = norm.Export(graph, x);
            long count = shape[2] / PatchSize * (shape[3] / PatchSize);
            string mean = graph.ReduceMean(graph.Slice(x, PrefixTokens, count, 1), keepDimensions: true, 1);
            string both = graph.Concat(1, graph.Slice(x, 0, 1, 1), mean);
            return graph.Reshape(graph.Transpose(both, 0, 2, 1), 0, 2 * Width);
        }
    }

    /// <summary>The tokens after each of the last blocks, passed through the final norm.</summary>
    /// <param name="x">Normalised images (B,3,H,W).</param>
    /// <param name="n">Number of blocks, from 1 to the depth.</param>
    /// <returns>n tensors (B,1+R+P,D) in block order: the class token, the registers, the patches.</returns>
    /// <exception cref="ArgumentException">n is out of range, or the images do not fit.</exception>
    public IReadOnlyList<Tensor> IntermediateLayers(Tensor x, int n)
    {
        Check.InRange(n, 1, _options.Depth);
        var layers = new List<Tensor>(n);
        var positions = Rotary(x.shape);
        x = Tokens(x);
        for (int i = 0; i < blocks.Count; i++)
        {
            x = blocks[i].call(x, false, positions);
            if (i >= blocks.Count - n) layers.Add(norm.call(x));
        }
        return layers;
    }

    /// <summary>The attention weights of the last block: for each head, how much each token (row) takes
    /// from each token (column).</summary>
    /// <param name="x">Normalised images (B,3,H,W).</param>
    /// <returns>(B,heads,1+R+P,1+R+P), rows sum to 1; row and column 0 are the class token,
    /// then come the registers.</returns>
    /// <exception cref="ArgumentException">The images do not fit.</exception>
    public Tensor LastSelfAttention(Tensor x) => LastAttention(x, classTokenOnly: false);

    /// <summary>For each head of the last block, how much the class token takes from each patch:
    /// what attention maps show.</summary>
    /// <param name="x">Normalised images (B,3,H,W).</param>
    /// <returns>(B,heads,⌊H/p⌋,⌊W/p⌋), what <see cref="LastSelfAttention"/> has in row 0 for the patches; a head sums
    /// to 1 less what other tokens get.</returns>
    /// <exception cref="ArgumentException">The images do not fit.</exception>
    public Tensor ClassTokenAttention(Tensor x)
    {
        long h = x.size(2) / _options.PatchSize, w = x.size(3) / _options.PatchSize;
        return LastAttention(x, classTokenOnly: true).narrow(3, PrefixTokens, h * w)
            .reshape(x.size(0), _options.Heads, h, w);
    }

    private Tensor LastAttention(Tensor x, bool classTokenOnly)
    {
        var positions = Rotary(x.shape);
        x = Tokens(x);
        for (int i = 0; i < blocks.Count - 1; i++) x = blocks[i].call(x, false, positions);
        return blocks[^1].AttentionWeights(x, classTokenOnly, positions);
    }

    private RotaryPositions? Rotary(long[] shape)
    {
        CheckShape(shape);
        if (!_options.RotaryPositions) return null;
        var grid = (Rows: shape[2] / PatchSize, Columns: shape[3] / PatchSize);
        if (_rotary.TryGetValue(grid, out var known)) return known;
        if (_rotary.Count >= MostGrids) _rotary.Clear();
        return _rotary.GetOrAdd(grid, _ => new(grid.Rows, grid.Columns, Width / _options.Heads));
    }

    private Tensor Tokens(Tensor x)
    {
        using var scope = NewDisposeScope();
        var shape = CheckShape(x.shape);
        var tokens = cat([cls_token.expand(shape[0], 1, Width), patch_embed.call(x)], 1);
        if (pos_embed is not null) tokens = tokens.Add(Positions(shape[2], shape[3]).to(tokens.dtype));
        if (register_tokens is null) return tokens.MoveToOuterDisposeScope();
        // Registers have no place: they come in after positions were added.
        var registers = register_tokens.expand(shape[0], _options.Registers, Width);
        return cat([tokens.narrow(1, 0, 1), registers, tokens.narrow(1, 1, tokens.size(1) - 1)], 1)
            .MoveToOuterDisposeScope();
    }

    private long[] CheckShape(long[] shape)
    {
        int patch = _options.PatchSize;
        if (shape.Length != 4 || shape[1] != 3 || shape[2] < patch || shape[3] < patch)
            throw new ArgumentException(
                $"The images are ({string.Join(",", shape)}); expected (B,3,H,W) with H and W of at least the patch "
                + $"size {patch}.", "x");
        return shape;
    }

    /// <summary>The position table for images of this size in pixels: (1,1+P,D), bicubically resampled where
    /// the patch grid is another.</summary>
    internal Tensor Positions(long height, long width)
    {
        Tensor table = pos_embed!;
        long side = _options.ImageSize / _options.PatchSize, h = height / _options.PatchSize,
            w = width / _options.PatchSize;
        if (height == width && h == side) return table;
        table = table.to(ScalarType.Float32);
        var grid = table.narrow(1, 1, side * side).view(1, side, side, Width).permute(0, 3, 1, 2);
        double offset = _options.PositionOffset;
        // The official code adds the offset to the target, and the mapping takes it in.
        var resampled = offset == 0
            ? nn.functional.interpolate(grid, size: [h, w], mode: InterpolationMode.Bicubic, align_corners: false,
                antialias: _options.PositionAntialias)
            : nn.functional.interpolate(grid, scale_factor: [(h + offset) / side, (w + offset) / side],
                mode: InterpolationMode.Bicubic,
                align_corners: false, antialias: _options.PositionAntialias);
        return cat([table.narrow(1, 0, 1), resampled.flatten(2).transpose(1, 2)], 1);
    }
}
