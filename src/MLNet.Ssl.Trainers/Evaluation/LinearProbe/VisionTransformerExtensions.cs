using MLNet.Ssl.Networks;
using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>The features that DINO's linear probe takes of a vision transformer
/// (Caron et al., arXiv 2104.14294; <c>eval_linear.py</c> of its repository).</summary>
internal static class VisionTransformerExtensions
{
    /// <summary>
    /// The class tokens of the last blocks, one after the other, and on request the mean of the last block's patch
    /// tokens.
    /// </summary>
    /// <param name="network">The transformer, in evaluation mode.</param>
    /// <param name="x">Normalised images (B,3,H,W).</param>
    /// <param name="blocks">Blocks n whose class token is taken, after the final norm, from 1 to the depth. Published:
    /// 4 for ViT-S, 1 for ViT-B.</param>
    /// <param name="averagePool">Whether the mean patch token stands beside the class token, interleaved as the
    /// official code has it: cls₀, mean₀, cls₁, … Published: for ViT-B; defined for one block only.</param>
    /// <returns>Features (B, n·D), or (B, 2·D) with <paramref name="averagePool"/>.</returns>
    /// <exception cref="ArgumentException"><paramref name="blocks"/> is out of range, or not 1 with
    /// <paramref name="averagePool"/>; or the images do not fit.
    /// </exception>
    public static Tensor IntermediateFeatures(this ITokenBackbone network, Tensor x, int blocks,
        bool averagePool = false)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(x);
        if (averagePool && blocks != 1)
            throw new ArgumentException($"blocks is {blocks}; with averagePool it must be 1.", nameof(blocks));
        var layers = network.IntermediateLayers(x, blocks);
        var tokens = cat([.. layers.Select(layer => layer.select(1, 0))], -1);
        if (!averagePool) return tokens;
        var patches = layers[^1];
        return stack([tokens,
            patches.narrow(1, network.PrefixTokens, patches.shape[1] - network.PrefixTokens).mean([1])], -1).flatten(1);
    }
}
