using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>The network that is pretrained and kept: images (B,3,H,W), normalised, to features (B,<see cref="EmbeddingDimension"/>).</summary>
/// <remarks>
/// A forward pass writes nothing but batch-normalisation statistics, so threads may share a backbone. In training mode with drop path it draws from
/// <see cref="ForwardRandom"/>.
/// </remarks>
public abstract class Backbone : Module<Tensor, Tensor>
{
    /// <summary>For backbones of your own; call RegisterComponents at the end of your constructor.</summary>
    /// <param name="name">The module's name.</param>
    /// <param name="embeddingDimension">Width of the features.</param>
    protected Backbone(string name, int embeddingDimension) : base(name) => EmbeddingDimension = embeddingDimension;

    /// <summary>Width D of the features.</summary>
    public int EmbeddingDimension { get; }

    /// <summary>What the backbone was built from; null for one of another assembly.</summary>
    internal virtual BackboneOptions? Options => null;

    /// <summary>Stages that follow each other; between them feature maps may be mixed (<see cref="IMixOptions.Layers"/>).</summary>
    internal virtual int StageCount => 1;

    /// <summary>Passes what stage <paramref name="first"/> takes through the stages before <paramref name="end"/>; all of them are a forward pass.</summary>
    internal virtual Tensor Run(Tensor x, int first, int end) => first < end ? call(x) : x;
}
