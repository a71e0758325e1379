using MLNet.Ssl.Pretrained;

namespace MLNet.Ssl;

/// <summary>Published networks by name, and their download. Nothing is downloaded but by
/// <see cref="Download"/>.</summary>
public static class PretrainedModels
{
    private const string Meta = "https://dl.fbaipublicfiles.com/", Apache = "Apache-2.0", TorchVision = "BSD-3-Clause",
        DinoV3License = "DINOv3 License", NonCommercial = "CC-BY-NC 4.0",
        DinoV3Place = "https://ai.meta.com/resources/models-and-libraries/dinov3-downloads",
        MoCoV3Place = "https://github.com/facebookresearch/moco-v3";

    /// <summary>DINO's ViT-S/16 (Caron et al., arXiv 2104.14294).</summary>
    public static PretrainedModel DinoSmall16 { get; } = Dino("vits16", "deitsmall16", "ViT-S/16", 384);

    /// <summary>DINO's ViT-S/8.</summary>
    public static PretrainedModel DinoSmall8 { get; } = Dino("vits8", "deitsmall8", "ViT-S/8", 384);

    /// <summary>DINO's ViT-B/16.</summary>
    public static PretrainedModel DinoBase16 { get; } = Dino("vitb16", "vitbase16", "ViT-B/16", 768,
        sha256: "bf34ad0f424b9029b593e8dc3ed553bf26e88bcba0d32bf3e62a6209cb64c85e");

    /// <summary>DINO's ViT-B/8.</summary>
    public static PretrainedModel DinoBase8 { get; } = Dino("vitb8", "vitbase8", "ViT-B/8", 768);

    /// <summary>DINO's ResNet-50.</summary>
    public static PretrainedModel DinoResNet50 { get; } = Dino(
        "resnet50", "resnet50", "ResNet-50", 2048, isOnHuggingFace: false);

    /// <summary>DINOv2's ViT-S/14 (Oquab et al., arXiv 2304.07193).</summary>
    public static PretrainedModel DinoV2Small { get; } = DinoV2("vits14", "small", "ViT-S/14", 384, 88_283_115,
        "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9");

    /// <summary>DINOv2's ViT-S/14 with four registers (Darcet et al., arXiv 2309.16588).</summary>
    public static PretrainedModel DinoV2SmallRegisters { get; } = DinoV2("vits14", "small", "ViT-S/14", 384,
        sha256: "f433177089a681826f849f194ece3bb48f4d63fb38d32fc837e3dc7a4e5641fb", registers: true);

    /// <summary>DINOv2's ViT-B/14.</summary>
    public static PretrainedModel DinoV2Base { get; } = DinoV2("vitb14", "base", "ViT-B/14", 768,
        sha256: "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73");

    /// <summary>DINOv2's ViT-B/14 with four registers.</summary>
    public static PretrainedModel DinoV2BaseRegisters { get; } = DinoV2(
        "vitb14", "base", "ViT-B/14", 768, registers: true);

    /// <summary>DINOv2's ViT-L/14.</summary>
    public static PretrainedModel DinoV2Large { get; } = DinoV2("vitl14", "large", "ViT-L/14", 1024,
        sha256: "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428");

    /// <summary>DINOv2's ViT-L/14 with four registers.</summary>
    public static PretrainedModel DinoV2LargeRegisters { get; } = DinoV2(
        "vitl14", "large", "ViT-L/14", 1024, registers: true);

    /// <summary>DINOv2's ViT-g/14.</summary>
    public static PretrainedModel DinoV2Giant { get; } = DinoV2("vitg14", "giant", "ViT-g/14", 1536);

    /// <summary>DINOv2's ViT-g/14 with four registers.</summary>
    public static PretrainedModel DinoV2GiantRegisters { get; } = DinoV2(
        "vitg14", "giant", "ViT-g/14", 1536, registers: true);

    /// <summary>DINOv3's ViT-S/16 (Siméoni et al., arXiv 2508.10104); from a file of yours.</summary>
    public static PretrainedModel DinoV3Small { get; } = DinoV3("vits16", "08c60483", "ViT-S/16", 384);

    /// <summary>DINOv3's ViT-S+/16; from a file of yours.</summary>
    public static PretrainedModel DinoV3SmallPlus { get; } = DinoV3("vits16plus", "4057cbaa", "ViT-S+/16", 384);

    /// <summary>DINOv3's ViT-B/16; from a file of yours.</summary>
    public static PretrainedModel DinoV3Base { get; } = DinoV3("vitb16", "73cec8be", "ViT-B/16", 768);

    /// <summary>DINOv3's ViT-L/16; from a file of yours.</summary>
    public static PretrainedModel DinoV3Large { get; } = DinoV3("vitl16", "8aa4cbdd", "ViT-L/16", 1024);

    /// <summary>DINOv3's ViT-H+/16; from a file of yours.</summary>
    public static PretrainedModel DinoV3HugePlus { get; } = DinoV3("vith16plus", "7c1da9a5", "ViT-H+/16", 1280);

    /// <summary>MoCo v3's ViT-S/16 (Chen et al., arXiv 2104.02057); from a file of yours.</summary>
    public static PretrainedModel MoCoV3Small { get; } = MoCoV3("vit_small", "vit-s-300ep", "ViT-S/16", 384);

    /// <summary>MoCo v3's ViT-B/16; from a file of yours.</summary>
    public static PretrainedModel MoCoV3Base { get; } = MoCoV3("vit_base", "vit-b-300ep", "ViT-B/16", 768);

    /// <summary>MoCo v3's ResNet-50 of 1000 epochs; from a file of yours.</summary>
    public static PretrainedModel MoCoV3ResNet50 { get; } = MoCoV3("resnet50", "r-50-1000ep", "ResNet-50", 2048);

    /// <summary>The ResNet-18 of torchvision, trained on ImageNet's labels.</summary>
    public static PretrainedModel ResNet18 { get; } = ResNet("resnet18", "f37072fd", "ResNet-18", 512);

    /// <summary>The ResNet-50 of torchvision, trained on ImageNet's labels (the weights "V1").</summary>
    public static PretrainedModel ResNet50 { get; } = ResNet("resnet50", "0676ba61", "ResNet-50", 2048);

    /// <summary>All that are known.</summary>
    public static IReadOnlyList<PretrainedModel> All { get; } =
    [
        DinoSmall16, DinoSmall8, DinoBase16, DinoBase8, DinoResNet50,
        DinoV2Small, DinoV2SmallRegisters, DinoV2Base, DinoV2BaseRegisters, DinoV2Large, DinoV2LargeRegisters,
        DinoV2Giant, DinoV2GiantRegisters,
        DinoV3Small, DinoV3SmallPlus, DinoV3Base, DinoV3Large, DinoV3HugePlus,
        MoCoV3Small, MoCoV3Base, MoCoV3ResNet50,
        ResNet18, ResNet50,
    ];

    /// <summary>A network by its name, such as <c>dinov2_vits14</c>, or by its repository on Hugging Face, such as
    /// <c>facebook/dinov2-small</c>, whose file is then the one that is downloaded.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">No network of this name is known; the message lists those that
    /// are.</exception>
    public static PretrainedModel Named(string name) => Lookup(name)
        ?? throw new ArgumentException(
            $"No pretrained network is named '{name}'. Known are {Names}.",
            nameof(name));

    /// <summary>The file of a network's weights, if there is one on this machine: in the cache of torch.hub, of Hugging
    /// Face, or in this library's.</summary>
    /// <param name="model">The network.</param>
    /// <param name="options">Where to look; null means all defaults.</param>
    /// <returns>The path; null if there is none.</returns>
    /// <exception cref="ArgumentException">A part of the model or an option is out of range.</exception>
    public static string? Find(PretrainedModel model, PretrainedDownloadOptions? options = null)
    {
        options = Checked(model, options);
        return new WeightCaches(options).Find(model);
    }

    /// <summary>The file of a network's weights on this machine, downloaded if there is none.</summary>
    /// <remarks>
    /// A download goes to a file beside its place, is continued where it stopped, compared with the known size and
    /// SHA-256, and then renamed: what stands in the cache is whole. Another process that downloads the same file is
    /// waited for.
    /// </remarks>
    /// <param name="model">The network.</param>
    /// <param name="options">Where from and where to; null means all defaults.</param>
    /// <param name="progress">Receives how far it is, ten times a second at most.</param>
    /// <param name="cancellationToken">Cancels; a later call goes on with what there is.</param>
    /// <returns>The path.</returns>
    /// <exception cref="ArgumentException">A part of the model or an option is out of range.</exception>
    /// <exception cref="InvalidDataException">The server's file has another size or hash than it should.</exception>
    /// <exception cref="InvalidOperationException">The weights are not downloaded freely, which the message says with
    /// their licence; or <c>HF_HUB_OFFLINE</c> is set.</exception>
    /// <exception cref="IOException">The server cannot be reached or has no such file, or there is no room; the message
    /// names address and file.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static string Download(PretrainedModel model, PretrainedDownloadOptions? options = null,
        IProgress<PretrainedDownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options = Checked(model, options);
        var caches = new WeightCaches(options);
        return caches.Find(model)
            ?? WeightDownload.RunAsync(model, caches, options, progress, cancellationToken).GetAwaiter().GetResult();
    }

    /// <summary>The network of a name; null if none is known.</summary>
    internal static PretrainedModel? Lookup(string name)
    {
        foreach (var model in All)
        {
            if (model.Name == name) return model;
            if (model.Files.FirstOrDefault(file => file.IsOnHuggingFace && file.Repository == name) is { } file)
                return model with { Files = [file, .. model.Files.Where(other => other != file)] };
        }
        return null;
    }

    /// <summary>The file that is named by its path, or by the name of a network.</summary>
    /// <exception cref="FileNotFoundException">There is none; the message lists the names, or says how to get
    /// it.</exception>
    internal static string FileOf(string pathOrName)
    {
        ArgumentException.ThrowIfNullOrEmpty(pathOrName);
        if (File.Exists(pathOrName)) return pathOrName;
        return Lookup(pathOrName) is { } model ? Require(model) : throw new FileNotFoundException(
            $"There is no file '{pathOrName}', and no published network of that name is known. "
            + $"Known are {Names}.", pathOrName);
    }

    private static string Names => string.Join(", ", All.Select(model => model.Name));

    /// <summary>The file of a network's weights on this machine.</summary>
    /// <exception cref="FileNotFoundException">There is none; the message says how to get it.</exception>
    internal static string Require(PretrainedModel model) => Find(model) ?? throw new FileNotFoundException(
        model.AskAt is not null ? Refusal(model)
        : $"The weights of {model.Name} are not on this machine. "
            + $"Call {nameof(PretrainedModels)}.{nameof(Download)} once"
            + (Lookup(model.Name) is null ? "" : $", with {nameof(PretrainedModels)}.{nameof(Named)}(\"{model.Name}\")")
            + $" ({model.Files[0].Address}, licence {model.License}).");

    /// <summary>Why the weights are not downloaded.</summary>
    internal static string Refusal(PretrainedModel model) =>
        $"The weights of {model.Name} are not downloaded: their licence is {model.License}. "
        + $"Accept it at {model.AskAt}, download {model.Files[0].Name}, and give its path to LoadPretrained.";

    private static PretrainedDownloadOptions Checked(PretrainedModel model, PretrainedDownloadOptions? options)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Validate();
        options ??= new();
        options.Validate();
        return options;
    }

    private static PretrainedFile OnHuggingFace(string repository) =>
        new($"{PretrainedFile.HuggingFaceScheme}://{repository}/model.safetensors");

    private static PretrainedModel Dino(string name, string file, string architecture, int dimension,
        string? sha256 = null, bool isOnHuggingFace = true) => new()
        {
            Name = $"dino_{name}",
            Files =
        [
            new($"{Meta}dino/dino_{file}_pretrain/dino_{file}_pretrain.pth") { Sha256 = sha256 },
            .. isOnHuggingFace ? [OnHuggingFace($"facebook/dino-{name}")] : Array.Empty<PretrainedFile>(),
        ],
            License = Apache,
            Architecture = architecture,
            EmbeddingDimension = dimension,
            Preprocessing = Square(Interpolation.Bicubic),
        };

    private static PretrainedModel DinoV2(string name, string size, string architecture, int dimension,
        long? bytes = null, string? sha256 = null, bool registers = false) => new()
        {
            Name = $"dinov2_{name}{(registers ? "_reg" : "")}",
            Files =
        [
            new($"{Meta}dinov2/dinov2_{name}/dinov2_{name}_{(registers ? "reg4_" : "")}pretrain.pth")
            {
                Bytes = bytes,
                Sha256 = sha256,
            },
            OnHuggingFace($"facebook/dinov2-{(registers ? "with-registers-" : "")}{size}"),
            OnHuggingFace($"timm/vit_{size}_patch14_{(registers ? "reg4_" : "")}dinov2.lvd142m"),
        ],
            License = Apache,
            Architecture = registers ? $"{architecture} with 4 registers" : architecture,
            EmbeddingDimension = dimension,
            Preprocessing = Square(Interpolation.Bicubic),
        };

    private static PretrainedModel DinoV3(string name, string hash, string architecture, int dimension) => new()
    {
        Name = $"dinov3_{name}",
        Files =
        [
            new($"{Meta}dinov3/dinov3_{name}/dinov3_{name}_pretrain_lvd1689m-{hash}.pth") { Sha256 = hash },
            OnHuggingFace($"facebook/dinov3-{name}-pretrain-lvd1689m"),
        ],
        License = DinoV3License,
        AskAt = DinoV3Place,
        Architecture = architecture,
        EmbeddingDimension = dimension,
        Preprocessing = Square(Interpolation.Bicubic),
    };

    private static PretrainedModel MoCoV3(string name, string file, string architecture, int dimension) => new()
    {
        Name = $"moco_v3_{name}",
        Files = [new($"{Meta}moco-v3/{file}/{file}.pth.tar")],
        License = NonCommercial,
        AskAt = MoCoV3Place,
        Architecture = architecture,
        EmbeddingDimension = dimension,
        Preprocessing = Square(Interpolation.Bilinear),
    };

    private static PretrainedModel ResNet(string name, string hash, string architecture, int dimension) => new()
    {
        Name = name,
        Files = [new($"https://download.pytorch.org/models/{name}-{hash}.pth") { Sha256 = hash }],
        License = TorchVision,
        Architecture = architecture,
        EmbeddingDimension = dimension,
        Preprocessing = Square(Interpolation.Bilinear),
    };

    private static ImagePreprocessing Square(Interpolation interpolation) =>
        ImagePreprocessing.For(224) with { Interpolation = interpolation };
}
