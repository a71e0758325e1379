namespace MLNet.Ssl.Benchmarks;

/// <summary>A row of the results: a method, how it mixes, and whether the views are augmented.</summary>
/// <remarks>Network, batch, epochs and views are the same for all, DINO's multi-crop aside,
/// so that the rows compare.</remarks>
internal sealed record ResultCase(string Method, string Mixing, bool Augmented, PretrainOptions Options)
{
    public const int EmbeddingDimension = 128;

    public const int Batch = 64;

    private const int ImageSize = 32;

    private static readonly ViewRecipe View = ViewRecipes.IMixCifar() with { Scale = (0.3, 1) };

    private static readonly IMixOptions IMix = new(), InputMix = new() { InputMix = new() };

    private static readonly SimClrOptions NPair = Sgd(new SimClrOptions { Loss = SimClrLoss.NPair, View = View }, 0.4);

    // Head and rate of i-Mix's runs on CIFAR-10.
    private static readonly MoCoOptions MoCo =
        Sgd(new MoCoOptions { View = View, QueueLength = 2048, HeadBatchNorm = HeadNormalization.Hidden }, 0.125);

    private static readonly MoCoV3Options MoCoV3 =
        Sgd(new MoCoV3Options { View1 = View, View2 = View, Temperature = 0.2, HeadHiddenDimension = 512 }, 0.4);

    private static readonly ByolOptions Byol = Sgd(
        new ByolOptions
        {
            View1 = View,
            View2 = View,
            HeadHiddenDimension = 512,
            ProjectionDimension = 128,
            WeightDecay = 5e-4
        }, 0.2);

    // Batch normalisation in the head as in DINO's own ResNet-50; crops of small images keep more of them.
    private static readonly DinoOptions Dino = Common(new DinoOptions
    {
        LocalCrops = 4,
        GlobalScale = (0.5, 1),
        LocalScale = (0.2, 0.5),
        BatchNormInHead = true,
        HeadHiddenDimension = 512,
        HeadBottleneckDimension = 128,
        WeightDecayEnd = 0.04,
    }) with
    {
        LearningRate = 0.004,
    };

    private static readonly SimClrOptions Still =
        NPair with { View = ViewRecipes.NoAugmentation() with { Normalization = View.Normalization } };

    public static readonly ResultCase[] All =
    [
        new("untrained", "none", true, NPair),
        new("DINO", "none", true, Dino),
        new("DINO", "SDMP", true, Dino with { Mixing = new SdmpOptions() }),
        new("MoCo v2", "none", true, MoCo),
        new("MoCo v2", "i-Mix", true, MoCo with { Mixing = IMix }),
        new("MoCo v2", "i-Mix and InputMix", true, MoCo with { Mixing = InputMix }),
        new("MoCo v3", "none", true, MoCoV3),
        new("MoCo v3", "SDMP", true, MoCoV3 with { Mixing = new SdmpOptions() }),
        new("N-pair", "none", true, NPair),
        new("N-pair", "i-Mix", true, NPair with { Mixing = IMix }),
        new("N-pair", "i-Mix and InputMix", true, NPair with { Mixing = InputMix }),
        new("NT-Xent", "none", true, NPair with { Loss = SimClrLoss.NtXent, Temperature = 0.2 }),
        new("BYOL", "none", true, Byol),
        new("BYOL", "i-Mix", true, Byol with { Mixing = IMix }),
        new("BYOL", "i-Mix and InputMix", true, Byol with { Mixing = InputMix }),
        new("N-pair", "none", false, Still),
        new("N-pair", "i-Mix and InputMix", false, Still with { Mixing = InputMix }),
    ];

    /// <summary>How the command line and the table name it.</summary>
    public string Name => (Mixing == "none" ? Method : $"{Method}, {Mixing}") + (Augmented ? "" : ", no augmentation");

    public static ResultCase Named(string name) => All.FirstOrDefault(c => c.Name == name)
        ?? throw new ArgumentException(
            $"there is no row '{name}'; expected one of: {string.Join("; ", All.Select(c => c.Name))}");

    /// <summary>The options of a run.</summary>
    public PretrainOptions For(int epochs, int seed, int threads) =>
        Options with { Epochs = Method == "untrained" ? 0 : epochs, Seed = seed, Threads = threads };

    /// <summary>Checks the options before any work begins.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public void Validate(int images, int epochs, int threads)
    {
        var facts = new DataFacts(images, ImageSize, threads);
        For(epochs, 1, threads).Validate(facts);
    }

    private static T Sgd<T>(T options, double rate) where T : PretrainOptions =>
        (T)(Common(options) with { Optimizer = OptimizerKind.Sgd, LearningRate = rate });

    private static T Common<T>(T options) where T : PretrainOptions => (T)(options with
    {
        Backbone = ResNetOptions.ResNet18(ResNetStem.SmallStride2, width: EmbeddingDimension / 8),
        BatchSize = Batch,
        ImageSize = ImageSize,
    });
}
