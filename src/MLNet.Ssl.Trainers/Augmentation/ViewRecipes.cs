namespace MLNet.Ssl;

/// <summary>
/// The view recipes of the literature; change single values with <c>with</c>.
/// <para>
/// Two deviations, equal in distribution or nearly so: the flip always directly follows the crop (the MoCo code flips
/// last), and every blur is Pillow's (SimCLR and BYOL code use a sampled Gaussian).
/// </para>
/// </summary>
public static class ViewRecipes
{
    private static readonly ColorJitter Dino = new(0.4, 0.4, 0.2, 0.1);
    private static readonly ColorJitter MoCo = new(0.4, 0.4, 0.4, 0.1);

    /// <summary>
    /// First global crop of DINO (Caron et al. 2021): scale (0.4, 1), bicubic, flip 0.5, jitter (0.4, 0.4, 0.2, 0.1)
    /// with 0.8, grayscale 0.2, blur always.
    /// </summary>
    /// <param name="size">Width and height in pixels.</param>
    /// <param name="minScale">Smallest area share; 0.25 in long runs, 0.14 without local crops.</param>
    public static ViewRecipe DinoGlobal1(int size = 224, double minScale = 0.4) => new()
    {
        Size = size,
        Scale = (minScale, 1),
        Jitter = Dino,
        GrayscaleProbability = 0.2,
        BlurProbability = 1,
    };

    /// <summary>Second global crop of DINO: as <see cref="DinoGlobal1"/>, but blur 0.1 and solarise 0.2.</summary>
    /// <param name="size">Width and height in pixels.</param>
    /// <param name="minScale">Smallest area share.</param>
    public static ViewRecipe DinoGlobal2(int size = 224, double minScale = 0.4) =>
        DinoGlobal1(size, minScale) with { BlurProbability = 0.1, SolarizeProbability = 0.2 };

    /// <summary>Local crop of DINO: as <see cref="DinoGlobal1"/>, but scale (0.05, 0.4) and blur 0.5.</summary>
    /// <param name="size">Width and height in pixels.</param>
    /// <param name="maxScale">Largest area share; the smallest of the global crops.</param>
    public static ViewRecipe DinoLocal(int size = 96, double maxScale = 0.4) =>
        DinoGlobal1(size) with { Scale = (0.05, maxScale), BlurProbability = 0.5 };

    /// <summary>
    /// MoCo v1 (He et al. 2020): scale (0.2, 1), bilinear, grayscale 0.2 before an ever-present jitter (0.4, 0.4, 0.4,
    /// 0.4), flip 0.5.
    /// </summary>
    /// <param name="size">Width and height in pixels.</param>
    public static ViewRecipe MoCoV1(int size = 224) => new()
    {
        Size = size,
        Scale = (0.2, 1),
        Interpolation = Interpolation.Bilinear,
        GrayscaleFirst = true,
        GrayscaleProbability = 0.2,
        Jitter = new(0.4, 0.4, 0.4, 0.4),
        JitterProbability = 1,
    };

    /// <summary>
    /// MoCo v2 "aug+" (Chen et al. 2020), also i-Mix on ImageNet: scale (0.2, 1), bilinear, jitter (0.4, 0.4, 0.4, 0.1)
    /// with 0.8, grayscale 0.2, blur 0.5, flip 0.5.
    /// </summary>
    /// <param name="size">Width and height in pixels.</param>
    public static ViewRecipe MoCoV2(int size = 224) => new()
    {
        Size = size,
        Scale = (0.2, 1),
        Interpolation = Interpolation.Bilinear,
        Jitter = MoCo,
        GrayscaleProbability = 0.2,
        BlurProbability = 0.5,
    };

    /// <summary>First view of MoCo v3 (Chen et al. 2021) and SDMP: as <see cref="ByolView1"/>, but bilinear.</summary>
    /// <param name="size">Width and height in pixels.</param>
    /// <param name="minScale">Smallest area share; 0.08 for ViT, 0.2 for ResNet-50.</param>
    public static ViewRecipe MoCoV3View1(int size = 224, double minScale = 0.08) =>
        ByolView1(size) with { Scale = (minScale, 1), Interpolation = Interpolation.Bilinear };

    /// <summary>Second view of MoCo v3 and SDMP: as <see cref="MoCoV3View1"/>, but blur 0.1 and solarise 0.2.</summary>
    /// <param name="size">Width and height in pixels.</param>
    /// <param name="minScale">Smallest area share; 0.08 for ViT, 0.2 for ResNet-50.</param>
    public static ViewRecipe MoCoV3View2(int size = 224, double minScale = 0.08) =>
        MoCoV3View1(size, minScale) with { BlurProbability = 0.1, SolarizeProbability = 0.2 };

    /// <summary>
    /// First view of BYOL (Grill et al. 2020): scale (0.08, 1), bicubic, flip 0.5, jitter (0.4, 0.4, 0.2, 0.1) with
    /// 0.8, grayscale 0.2, blur always.
    /// </summary>
    /// <param name="size">Width and height in pixels.</param>
    public static ViewRecipe ByolView1(int size = 224) => new()
    {
        Size = size,
        Jitter = Dino,
        GrayscaleProbability = 0.2,
        BlurProbability = 1,
    };

    /// <summary>Second view of BYOL: as <see cref="ByolView1"/>, but blur 0.1 and solarise 0.2.</summary>
    /// <param name="size">Width and height in pixels.</param>
    public static ViewRecipe ByolView2(int size = 224) =>
        ByolView1(size) with { BlurProbability = 0.1, SolarizeProbability = 0.2 };

    /// <summary>
    /// SimCLR (Chen et al. 2020): scale (0.08, 1), bicubic, flip 0.5, jitter (0.8, 0.8, 0.8, 0.2)·strength with 0.8
    /// (brightness multiplies, as in v2), grayscale 0.2, blur 0.5; pixels stay in [0, 1].
    /// </summary>
    /// <param name="size">Width and height in pixels.</param>
    /// <param name="strength">Strength of the colour jitter, 0 to 2.5.</param>
    public static ViewRecipe SimClr(int size = 224, double strength = 1) => new()
    {
        Size = size,
        Jitter = new(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength),
        GrayscaleProbability = 0.2,
        BlurProbability = 0.5,
        Normalization = Normalization.None,
    };

    /// <summary>SimCLR on CIFAR: <see cref="SimClr"/> with strength 0.5 and without blur.</summary>
    /// <param name="size">Width and height in pixels.</param>
    public static ViewRecipe SimClrCifar(int size = 32) => SimClr(size, strength: 0.5) with { BlurProbability = 0 };

    /// <summary>
    /// i-Mix on CIFAR (Lee et al. 2021): <see cref="MoCoV2"/> without blur, normalised with CIFAR-10's statistics.
    /// </summary>
    /// <param name="size">Width and height in pixels.</param>
    public static ViewRecipe IMixCifar(int size = 32) =>
        MoCoV2(size) with { BlurProbability = 0, Normalization = Normalization.Cifar10 };

    /// <summary>A random crop and a flip, as networks are trained with labels on.</summary>
    /// <param name="size">Width and height in pixels.</param>
    /// <param name="minScale">Smallest area share.</param>
    public static ViewRecipe CropAndFlip(int size = 224, double minScale = 0.08) =>
        new() { Size = size, Scale = (minScale, 1) };

    /// <summary>
    /// No augmentation: the image's central square, resized, for data whose invariances are not known; views then
    /// differ by InputMix alone (Lee et al. 2021, section 4.1).
    /// </summary>
    /// <param name="size">Width and height in pixels.</param>
    public static ViewRecipe NoAugmentation(int size = 224) =>
        new() { Size = size, Scale = (1, 1), AspectRatio = (1, 1), FlipProbability = 0 };
}
