using static TorchSharp.torch;

namespace MLNet.Ssl.Networks;

/// <summary>
/// A backbone that sees an image as tokens: the class token, further ones without a place such as registers, and one
/// for each patch. Attention maps, linear probes of several blocks and copy detection ask for it.
/// </summary>
public interface ITokenBackbone
{
    /// <summary>Side of a patch in pixels.</summary>
    int PatchSize { get; }

    /// <summary>Number t of tokens before those of the patches, at least 1, the class token first.</summary>
    int PrefixTokens { get; }

    /// <summary>The tokens after each of the last blocks, passed through the final norm.</summary>
    /// <param name="x">Normalised images (B,3,H,W).</param>
    /// <param name="n">Number of blocks, from 1 to the depth.</param>
    /// <returns>n tensors (B,t+P,D) in block order.</returns>
    /// <exception cref="ArgumentException">n is out of range, or the images do not fit.</exception>
    IReadOnlyList<Tensor> IntermediateLayers(Tensor x, int n);

    /// <summary>For each head of the last block, how much the class token takes from each patch.</summary>
    /// <param name="x">Normalised images (B,3,H,W).</param>
    /// <returns>(B,heads,⌊H/p⌋,⌊W/p⌋); a head sums to 1 less its share of the other tokens.</returns>
    /// <exception cref="ArgumentException">The images do not fit.</exception>
    Tensor ClassTokenAttention(Tensor x);
}
