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
    private readonly int _height, _width;

    /// <summary>Without a size the real attribute cannot be registered: it asks for a type of 0 × 0 pixels.</summary>
    public ImageTypeAttribute() { }

    /// <summary>Images of one size in pixels.</summary>
    public ImageTypeAttribute(int height, int width) => (_height, _width) = (height, width);

    /// <inheritdoc/>
    public override void Register() => DataViewTypeManager.Register(new ImageDataViewType(_height, _width), typeof(MLImage), this);

    /// <inheritdoc/>
    public override bool Equals(DataViewTypeAttribute other) => other is ImageTypeAttribute image && image._height == _height && image._width == _width;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_height, _width);
}
