using MLNet.Ssl.Networks;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>What defines a backbone's architecture; <see cref="Create"/> builds one with random weights.</summary>
public abstract record BackboneOptions
{
    /// <summary>Builds the network on the CPU in single precision.</summary>
    /// <param name="generator">Source of the initial weights: the same seed gives the same weights.</param>
    /// <exception cref="ArgumentException">An option is out of range (<see cref="Validate"/>).</exception>
    public abstract Backbone Create(torch.Generator generator);

    /// <summary>Width D of the features (B,D) of the backbone.</summary>
    public int EmbeddingDimension => FeatureDimension;

    /// <summary>What <see cref="EmbeddingDimension"/> answers; derived options may hide that one by a property that can be set.</summary>
    protected abstract int FeatureDimension { get; }

    /// <summary>Stages of the network; 1 unless feature maps between them may be mixed.</summary>
    internal virtual int StageCount => 1;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">The message names the option, its value and what is allowed.</exception>
    public abstract void Validate();

    /// <summary>True if the input is rows of a table (B, columns) and not images.</summary>
    public virtual bool TakesTables => false;

    /// <summary>Checks that rows of this width can be embedded.</summary>
    /// <param name="columns">Width of a row.</param>
    /// <exception cref="ArgumentException">The backbone takes another width, or images.</exception>
    public virtual void ValidateColumns(int columns) => throw new ArgumentException($"{GetType().Name} takes images, not rows of {columns} values.", nameof(columns));

    /// <summary>Checks that square views of this size can be embedded.</summary>
    /// <param name="size">Side of the view in pixels.</param>
    /// <exception cref="ArgumentException">The message names the size and what the backbone needs.</exception>
    public virtual void ValidateViewSize(int size)
    {
        if (size < 1) throw new ArgumentOutOfRangeException(nameof(size), size, $"A view of {size} pixels cannot be embedded; it needs at least 1.");
    }
}
