using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// Masking noise on rows of a table (i-Mix; Lee et al., arXiv 2010.08887, appendix): every continuous value is set to
/// 0, the mean of a standardised slot, with probability p. What is kept is not rescaled.
/// </summary>
internal static class MaskingNoise
{
    /// <summary>Masks rows by draws from outside; a new tensor.</summary>
    /// <param name="rows">(B, D).</param>
    /// <param name="uniforms">(B, D), drawn from U(0, 1).</param>
    /// <param name="probabilities">(D), p of every slot; below 0 never masks.</param>
    public static Tensor Apply(Tensor rows, Tensor uniforms, Tensor probabilities) => rows * uniforms.gt(probabilities);

    /// <summary>(D): p on some slots, and a value that never masks on the others.</summary>
    /// <param name="columns">D.</param>
    /// <param name="slots">Slots that are masked.</param>
    /// <param name="probability">p in [0, 1].</param>
    internal static Tensor Probabilities(int columns, IEnumerable<int> slots, double probability)
    {
        var values = new float[columns];
        Array.Fill(values, -1);
        foreach (int slot in slots) values[slot] = (float)probability;
        return tensor(values);
    }
}
