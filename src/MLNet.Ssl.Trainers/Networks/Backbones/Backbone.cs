using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>The network that is pretrained and kept: images (B,3,H,W), normalised, to features
/// (B,<see cref="EmbeddingDimension"/>).</summary>
/// <remarks>
/// A forward pass writes nothing but batch-normalisation statistics, so threads may share a backbone. In training mode
/// with drop path it draws from <see cref="ForwardRandom"/>. One that implements
/// <see cref="MLNet.Ssl.Onnx.IOnnxLayer"/> can be exported.
/// </remarks>
public abstract class Backbone : Module<Tensor, Tensor>
{
    /// <summary>For backbones of your own; call RegisterComponents at the end of your constructor.</summary>
    /// <param name="name">The module's name.</param>
    /// <param name="embeddingDimension">Width of the features.</param>
    protected Backbone(string name, int embeddingDimension) : base(name) => EmbeddingDimension = embeddingDimension;

    /// <summary>Width D of the features.</summary>
    public int EmbeddingDimension { get; }

    /// <summary>What the backbone was built from; null for one that cannot be built again, and so neither be
    /// fine-tuned nor saved in a model.</summary>
    public virtual BackboneOptions? Options => null;

    /// <summary>Stages that follow each other; between them feature maps may be mixed
    /// (<see cref="IMixOptions.Layers"/>). Default 1.</summary>
    public virtual int StageCount => 1;

    /// <summary>True if it is little else than linear layers.</summary>
    internal virtual bool IsOfLinearLayers => false;

    /// <summary>True if it takes single precision whatever it computes in.</summary>
    internal virtual bool TakesSinglePrecision => false;

    /// <summary>Passes what a stage takes through it and those after it; all stages are a forward pass.</summary>
    /// <param name="x">What stage <paramref name="first"/> takes: images before stage 0.</param>
    /// <param name="first">The first stage, from 0.</param>
    /// <param name="end">The stage to stop before, at most <see cref="StageCount"/>.</param>
    public virtual Tensor Run(Tensor x, int first, int end) => first < end ? call(x) : x;
}
