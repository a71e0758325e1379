namespace MLNet.Ssl;

/// <summary>What networks compute in. Weights are kept, moved, averaged and saved in single
/// precision whatever it is.</summary>
public enum Precision
{
    /// <summary>IEEE single precision throughout.</summary>
    Float32,

    /// <summary>Single precision whose matrix products and convolutions round their factors to 10 bits on a GPU (TF32);
    /// on a processor the same as <see cref="Float32"/>.</summary>
    TensorFloat32,

    /// <summary>
    /// bfloat16, with 8 bits of precision, for linear layers, convolutions, attention and layer norms; batch
    /// norm, prototypes and losses stay in single precision, and so do matrix products outside of the
    /// network, as <see cref="TensorFloat32"/>.
    /// </summary>
    BFloat16,
}
