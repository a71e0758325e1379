using MLNet.Ssl.Inference;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Pretrained;
using MLNet.Ssl.Tensors;
using MLNet.Ssl.Weights;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>
/// A backbone's weights in a file, recognised by names and shapes: official checkpoints of DINO, DINOv2, DINOv3,
/// MoCo v2 and v3 and SDMP, ResNets of torchvision, vision transformers under the names of timm, DeiT and
/// Hugging Face, and files that <see cref="Encoder.SaveSafeTensors(string)"/> wrote; as .pth, .pth.tar,
/// .safetensors or .safetensors.index.json.
/// </summary>
/// <remarks>
/// Prefixes such as <c>module.</c>, <c>backbone.</c> or <c>module.encoder_q.</c> are recognised, heads and queues left
/// out. Opening compares every tensor; only <see cref="CreateBackbone"/> reads them, so the file stays open.
/// </remarks>
public sealed class PretrainedWeights : IDisposable
{
    private readonly Checkpoint _checkpoint;
    private readonly StoredNetwork _network;

    private PretrainedWeights(Checkpoint checkpoint, StoredNetwork network, BackboneOptions backbone,
        PretrainedReport report) =>
        (_checkpoint, _network, Backbone, Report) = (checkpoint, network, backbone, report);

    /// <summary>The architecture.</summary>
    public BackboneOptions Backbone { get; }

    /// <summary>What the network expects to be done to an image.</summary>
    public ImagePreprocessing Preprocessing { get; private init; } = null!;

    /// <summary>Name of the method that trained the network, if the file says it.</summary>
    public string? Method { get; private init; }

    /// <summary>Which tensors match, are missing, and are ignored.</summary>
    public PretrainedReport Report { get; }

    /// <summary>The network's tensors under the names they have here.</summary>
    internal IEnumerable<KeyValuePair<string, StoredTensor>> StateDict =>
        Report.Matched.Select(name => KeyValuePair.Create(name, _network.Tensors[name]));

    /// <summary>Opens a file, recognises the network in it and compares all tensors with the architecture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What names and shapes do not say; null means all Auto.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or refused, holds no known network, or a tensor is
    /// missing, unknown or of another shape; the message names file, tensor and both shapes.</exception>
    public static PretrainedWeights Open(string path, PretrainedOptions? options = null) =>
        Open(() => Checkpoint.Open(path), options);

    /// <summary>Opens a file that is held in memory.</summary>
    internal static PretrainedWeights Open(byte[] file, PretrainedOptions? options) =>
        Open(() => Checkpoint.Open(new MemoryStream(file, writable: false), "(stream)"), options);

    private static PretrainedWeights Open(Func<Checkpoint> open, PretrainedOptions? options)
    {
        NativeTorch.Require();
        options ??= new();
        options.Validate();
        var checkpoint = open();
        try
        {
            return Named(checkpoint.Path, () => Recognise(checkpoint, options));
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    private static PretrainedWeights Recognise(Checkpoint checkpoint, PretrainedOptions options)
    {
        var metadata = EncoderMetadata.Read(checkpoint.Metadata);
        var network = NetworkChoice.Choose(Networks(checkpoint, anyKind: metadata.Backbone is not null), options);
        var (backbone, shapes) = Architecture(network, checkpoint.Length, options, metadata);
        var report = StateDictMatch.Compare(network, shapes);
        // Tensors may share a storage; those of a network do not.
        if (report.Matched.Aggregate((Int128)0, (sum, name) => sum + network.Tensors[name].Bytes) > checkpoint.Length)
            throw new InvalidDataException($"its tensors claim more than the file's {checkpoint.Length} bytes.");
        return new(checkpoint, network, backbone,
            report)
        { Preprocessing = PreprocessingFor(backbone, options, metadata), Method = metadata.Method };
    }

    private static List<StoredNetwork> Networks(Checkpoint checkpoint, bool anyKind)
    {
        var networks = StoredNetwork.FindAll(checkpoint.Root);
        if (networks.Count == 0 && anyKind && StoredNetwork.Whole(checkpoint.Root) is { } whole) networks.Add(whole);
        return networks;
    }

    /// <summary>What this library's files tell of it, else what the shapes tell.</summary>
    private static (BackboneOptions Backbone, IEnumerable<(string Name, long[] Shape)> Shapes) Architecture(
        StoredNetwork network, long length, PretrainedOptions options, EncoderMetadata metadata)
    {
        if (metadata.Backbone is { } told && (network.Layout is null || options is { Heads: null, Stem: null }))
        {
            if (told.TakesTables) throw new InvalidDataException("its network takes rows of a table, not images.");
            told = WithFeatures(told, options).Validated();
            told.LeastSize.Check(network.Tensors.Count, length);
            return (told, ShapesOf(told));
        }
        var backbone = WithFeatures(network.Layout!.Infer(network, options, metadata), options).Validated();
        return (backbone, network.Layout.Shapes(backbone));
    }

    /// <summary>The same network with the features that the options ask for.</summary>
    private static BackboneOptions WithFeatures(BackboneOptions backbone, PretrainedOptions options)
    {
        if (options is { LastBlocks: null, AveragePoolPatchTokens: null }) return backbone;
        if (backbone is not VisionTransformerOptions transformer)
        {
            throw new ArgumentException(
                $"{nameof(options.LastBlocks)} and {nameof(options.AveragePoolPatchTokens)} are for vision "
                + $"transformers; its network is {backbone}.");
        }
        return transformer with
        {
            LastBlocks = options.LastBlocks ?? transformer.LastBlocks,
            AveragePoolPatchTokens = options.AveragePoolPatchTokens ?? transformer.AveragePoolPatchTokens,
        };
    }

    private static List<(string Name, long[] Shape)> ShapesOf(BackboneOptions backbone)
    {
        using var generator = new torch.Generator(0, torch.CPU);
        using var network = backbone.Create(generator);
        return [.. network.state_dict().Select(s => (s.Key, s.Value.shape))];
    }

    private static ImagePreprocessing PreprocessingFor(BackboneOptions backbone, PretrainedOptions options,
        EncoderMetadata metadata)
    {
        var stored = metadata.Preprocessing ?? backbone.DefaultPreprocessing;
        if (options.ImageSize is not { } size) return options.Preprocessing ?? stored;
        backbone.ValidateViewSize(size);
        return ImagePreprocessing.For(size) with
        {
            Interpolation = stored.Interpolation,
            Normalization = stored.Normalization
        };
    }

    /// <summary>Builds the backbone and fills it with the weights.</summary>
    /// <returns>The backbone in single precision on the CPU, owned by the caller.</returns>
    /// <exception cref="InvalidDataException">A weight is not a finite number; the message
    /// names file and tensor.</exception>
    public Backbone CreateBackbone()
    {
        using var generator = new torch.Generator(0, torch.CPU);
        var backbone = Initialization.WithoutValues(() => Backbone.Create(generator));
        try
        {
            Named(_checkpoint.Path, () => StateDictMatch.Fill(_network, backbone.state_dict(), Report));
            return backbone;
        }
        catch
        {
            backbone.Dispose();
            throw;
        }
    }

    /// <summary>Builds the backbone, fills it and gives it its preprocessing.</summary>
    /// <param name="device">Where it runs; the processor by default.</param>
    /// <exception cref="InvalidDataException">A weight is not a finite number; the message
    /// names file and tensor.</exception>
    public ImageEncoder CreateEncoder(torch.Device? device = null) =>
        new(CreateBackbone().to(device ?? torch.CPU), Preprocessing, device) { Method = Method };

    /// <summary>Warm start: fills a backbone that exists with the weights of a file. On an error the
    /// backbone stays as it was.</summary>
    /// <param name="backbone">The backbone; one of your own kind takes a file of its tensors alone.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">What names and shapes do not say; null means all Auto.</param>
    /// <returns>Which tensors matched, are missing, and were ignored.</returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or refused, or does not fit the backbone; the message
    /// names file, tensor and both shapes.
    /// </exception>
    public static PretrainedReport LoadInto(Backbone backbone, string path, PretrainedOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        options ??= new();
        options.Validate();
        using var checkpoint = Checkpoint.Open(path);
        return Named(path, () =>
        {
            var network = NetworkChoice.Choose(Networks(checkpoint, anyKind: true), options);
            var state = backbone.state_dict();
            var report = StateDictMatch.Compare(network, state.Select(s => (s.Key, s.Value.shape)));
            if (backbone.Options is { } architecture)
                network.Layout?.CheckUntold(architecture, network, options, EncoderMetadata.Read(checkpoint.Metadata));
            StateDictMatch.Copy(network, state, report);
            return report;
        });
    }

    private static void Named(string path, Action action) => Named(path, () =>
    {
        action();
        return true;
    });

    private static T Named<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"The weights '{path}' cannot be loaded: {e.Message}", e);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _checkpoint.Dispose();
}
