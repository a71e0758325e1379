namespace MLNet.Ssl;

/// <summary>
/// Resampling filter of a resize; all widen with the scale when shrinking (antialiasing), as Pillow's filters do.
/// </summary>
public enum Interpolation
{
    /// <summary>Triangle filter of support 1.</summary>
    Bilinear,

    /// <summary>Cubic convolution (Keys) with a = −0.5 and support 2.</summary>
    Bicubic,

    /// <summary>Windowed sinc of support 3, as DINO shrinks images for retrieval.</summary>
    Lanczos,
}
