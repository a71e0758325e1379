using MLNet.Ssl.Networks;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>
/// What defines a backbone's architecture, and what the rest of the library asks of it;
/// <see cref="Create"/> builds one with random weights.
/// </summary>
/// <remarks>
/// For a backbone of your own derive a record from this class and a module from <see cref="Backbone"/>. The virtual
/// members have defaults that are right for a convolutional network with batch normalisation.
/// <see cref="Backbones.Register"/> makes it known to files of models and weights.
/// </remarks>
public abstract record BackboneOptions
{
    /// <summary>Builds the network on the CPU in single precision.</summary>
    /// <param name="generator">Source of the initial weights: the same seed gives the same weights.</param>
    /// <exception cref="ArgumentException">An option is out of range (<see cref="Validate"/>).</exception>
    public Backbone Create(torch.Generator generator)
    {
        var backbone = Build(generator);
        // A network outlives the scope that it is built in.
        foreach (var parameter in backbone.parameters()) parameter.DetachFromDisposeScope();
        foreach (var buffer in backbone.buffers()) buffer.DetachFromDisposeScope();
        return backbone;
    }

    /// <summary>What <see cref="Create"/> does: calls the module's constructor.</summary>
    /// <param name="generator">Source of the initial weights.</param>
    protected abstract Backbone Build(torch.Generator generator);

    /// <summary>Width D of the features (B,D) of the backbone.</summary>
    public int EmbeddingDimension => FeatureDimension;

    /// <summary>What <see cref="EmbeddingDimension"/> answers; derived options may hide that one by a
    /// property that can be set.</summary>
    protected abstract int FeatureDimension { get; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">The message names the option, its value and what is allowed.</exception>
    public abstract void Validate();

    /// <summary>These options, checked.</summary>
    internal BackboneOptions Validated()
    {
        Validate();
        return this;
    }

    /// <summary>The architecture in a few words, such as "ResNet-18, small stem, 512 features".</summary>
    public virtual string Describe()
    {
        string name = GetType().Name;
        return $"{(name.EndsWith("Options", StringComparison.Ordinal) ? name[..^7] : name)}, {EmbeddingDimension} "
            + "features";
    }

    /// <summary>What <see cref="Describe"/> says.</summary>
    public sealed override string ToString() => Describe();

    /// <summary>Stages that follow each other; between them feature maps may be mixed
    /// (<see cref="IMixOptions.Layers"/>).</summary>
    /// <value>Default 1: inputs alone are mixed. A network with more overrides <see cref="Backbone.Run"/>.</value>
    public virtual int StageCount => 1;

    /// <summary>Number L of layers whose learning rates fine-tuning tells apart
    /// (<see cref="FineTuneOptions.LayerDecay"/>).</summary>
    /// <value>Default 0: all of the backbone learns at one rate.</value>
    public virtual int LayerCount => 0;

    /// <summary>The layer that a parameter belongs to: 0 for the input, 1 to L for the layers, L + 1 for what
    /// learns as a classifier does.</summary>
    /// <param name="parameter">Name in the backbone's state dict.</param>
    public virtual int LayerOf(string parameter) => 0;

    /// <summary>Whether the network is usually trained by AdamW with warm-up, as transformers are, and not by SGD or
    /// LARS, as residual networks are.</summary>
    /// <value>Default false.</value>
    public virtual bool PrefersAdamW => false;

    /// <summary>The usual factor between the learning rates of neighbouring layers in fine-tuning.</summary>
    /// <value>Default 1, none.</value>
    public virtual double DefaultLayerDecay => 1;

    /// <summary>Whether the network normalises over the batch, so that an image's features depend on
    /// its neighbours in training.</summary>
    /// <value>Default true.</value>
    public virtual bool NormalizesBatches => true;

    /// <summary>Number of pixels that the side of a view is a multiple of: a transformer's patch.</summary>
    /// <value>Default 1.</value>
    public virtual int SizeMultiple => 1;

    /// <summary>The same architecture with stochastic depth at this rate; itself if it has none.</summary>
    /// <param name="rate">Rate of the last layer, in [0, 1).</param>
    public virtual BackboneOptions WithDropPath(double rate) => this;

    /// <summary>True if the input is rows of a table (B, columns) and not images.</summary>
    public virtual bool TakesTables => false;

    /// <summary>The same architecture with what was left open filled in for rows of this
    /// width; itself if nothing was.</summary>
    /// <param name="columns">Width of a row.</param>
    public virtual BackboneOptions WithColumns(int columns) => this;

    /// <summary>Checks that rows of this width can be embedded.</summary>
    /// <param name="columns">Width of a row.</param>
    /// <exception cref="ArgumentException">The backbone takes another width, or images.</exception>
    public virtual void ValidateColumns(int columns) =>
        throw new ArgumentException($"{GetType().Name} takes images, not rows of {columns} values.", nameof(columns));

    /// <summary>Checks that square views of this size can be embedded.</summary>
    /// <param name="size">Side of the view in pixels.</param>
    /// <exception cref="ArgumentException">The message names the size and what the backbone needs.</exception>
    public virtual void ValidateViewSize(int size)
    {
        if (size < 1) throw new ArgumentOutOfRangeException(nameof(size), size,
            $"A view of {size} pixels cannot be embedded; it needs at least 1.");
    }

    /// <summary>What is usually done to an image before the network sees it, where a file
    /// of weights does not say.</summary>
    /// <value>Default 224 pixels, bilinear, with the statistics of ImageNet.</value>
    public virtual ImagePreprocessing DefaultPreprocessing =>
        ImagePreprocessing.For(224) with { Interpolation = Interpolation.Bilinear };

    /// <summary>What the shapes of the weights do not tell, under the names that
    /// files of weights have for it.</summary>
    internal virtual IEnumerable<(string Key, object Value)> Untold => [];

    /// <summary>The same architecture whose residual branches start silent, or not; itself
    /// if it has no such choice.</summary>
    internal virtual BackboneOptions WithZeroInitResidual(bool value) => this;

    /// <summary>What the network has at least; nothing is built from a description that the
    /// file's weights could not fill.</summary>
    internal virtual ArchitectureSize LeastSize => default;
}
