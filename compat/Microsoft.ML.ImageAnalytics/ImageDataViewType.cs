using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms.Image;

/// <summary>The type of a column of <see cref="MLImage"/>, of one size or of any.</summary>
public sealed class ImageDataViewType : StructuredDataViewType
{
    /// <summary>Height in pixels, or 0: rows differ.</summary>
    public readonly int Height;

    /// <summary>Width in pixels, or 0: rows differ.</summary>
    public readonly int Width;

    /// <summary>Images of any size.</summary>
    public ImageDataViewType() : base(typeof(MLImage)) { }

    /// <summary>Images of one size in pixels.</summary>
    public ImageDataViewType(int height, int width) : base(typeof(MLImage))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)height * width, int.MaxValue / 4, nameof(height));
        (Height, Width) = (height, width);
    }

    /// <inheritdoc/>
    public override bool Equals(DataViewType other) => other is ImageDataViewType image && image.Height == Height && image.Width == Width;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Height, Width);

    /// <inheritdoc/>
    public override string ToString() => Height == 0 ? "Image" : $"Image<{Height}, {Width}>";
}

/// <summary>Marks an <see cref="MLImage"/> member as a column of images, of one size or of any.</summary>
public sealed class ImageTypeAttribute : DataViewTypeAttribute
{
    private readonly ImageDataViewType _type;

    /// <summary>Images of any size.</summary>
    public ImageTypeAttribute() => _type = new ImageDataViewType();

    /// <summary>Images of one size in pixels.</summary>
    public ImageTypeAttribute(int height, int width) => _type = new ImageDataViewType(height, width);

    /// <inheritdoc/>
    public override void Register() => DataViewTypeManager.Register(_type, typeof(MLImage), this);

    /// <inheritdoc/>
    public override bool Equals(DataViewTypeAttribute other) => other is ImageTypeAttribute image && image._type.Equals(_type);

    /// <inheritdoc/>
    public override int GetHashCode() => _type.GetHashCode();
}
