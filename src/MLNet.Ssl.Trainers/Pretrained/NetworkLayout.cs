using MLNet.Ssl.Inference;
using MLNet.Ssl.Weights;

namespace MLNet.Ssl.Pretrained;

/// <summary>Names and shapes of a kind of network in files of weights.</summary>
internal abstract class NetworkLayout
{
    /// <summary>The kinds that are recognised without a word in the file.</summary>
    public static IReadOnlyList<NetworkLayout> All { get; } =
        [new VisionTransformerLayout(), new ResNetLayout(), new ConvNeXtLayout()];

    /// <summary>A weight that every network of the kind has, under its whole name in each library.</summary>
    public abstract IReadOnlyList<string> Anchors { get; }

    /// <summary>Another library's names and parts brought to those that the network has
    /// here, by their names there.</summary>
    public virtual IReadOnlyDictionary<string, StoredTensor> Translate(
        IReadOnlyDictionary<string, StoredTensor> tensors) => tensors;

    /// <summary>The architecture that the shapes tell.</summary>
    public abstract BackboneOptions Infer(StoredNetwork network, PretrainedOptions options, EncoderMetadata metadata);

    /// <summary>The state dict of an architecture that <see cref="Infer"/> gave.</summary>
    public abstract IEnumerable<(string Name, long[] Shape)> Shapes(BackboneOptions options);

    /// <summary>Refuses weights that fit a network in every shape and yet are of another one.</summary>
    public virtual void CheckUntold(BackboneOptions backbone, StoredNetwork network, PretrainedOptions options,
        EncoderMetadata metadata)
    { }
}
