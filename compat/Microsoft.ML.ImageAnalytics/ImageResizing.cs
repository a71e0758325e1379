using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms.Image;

/// <summary>Brings images to one size.</summary>
public sealed class ImageResizingEstimator : TrivialEstimator<ImageResizingTransformer>
{
    internal ImageResizingEstimator(ImageResizingTransformer transformer) : base(transformer) { }

    /// <summary>What happens when the proportions differ.</summary>
    public enum ResizingKind : byte
    {
        /// <summary>The whole image, with empty pixels at two sides.</summary>
        IsoPad = 0,

        /// <summary>The largest part that fits, cut out.</summary>
        IsoCrop = 1,

        /// <summary>Stretched, each pixel the nearest of the image.</summary>
        Fill = 2,
    }

    /// <summary>The side that a crop keeps.</summary>
    public enum Anchor : byte
    {
        /// <summary>The right side.</summary>
        Right = 0,

        /// <summary>The left side.</summary>
        Left = 1,

        /// <summary>The upper side.</summary>
        Top = 2,

        /// <summary>The lower side.</summary>
        Bottom = 3,

        /// <summary>The middle.</summary>
        Center = 4,
    }

    /// <inheritdoc/>
    public override SchemaShape GetOutputSchema(SchemaShape inputSchema) => Transformer.Shape(inputSchema);
}

/// <summary>Brings images to one size.</summary>
public sealed class ImageResizingTransformer : OneToOneTransformerBase, ILoadable
{
    private readonly ImageDataViewType _type;
    private readonly ImageResizingEstimator.ResizingKind _kind;
    private readonly ImageResizingEstimator.Anchor _anchor;

    internal ImageResizingTransformer(
        int width, int height, ImageResizingEstimator.ResizingKind kind, ImageResizingEstimator.Anchor anchor, InputOutputColumnPair columns) : base([columns])
    {
        if (!Enum.IsDefined(kind)) throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind of resizing");
        if (!Enum.IsDefined(anchor)) throw new ArgumentOutOfRangeException(nameof(anchor), anchor, "Not an anchor");
        (_type, _kind, _anchor) = (new ImageDataViewType(height, width), kind, anchor);
    }

    internal SchemaShape Shape(SchemaShape input) => input.Replace(Columns[0], _type);

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        source.ImageType();
        return new MappedColumn(pair.OutputColumnName, _type, null, [source.Index], row => Getter(row.GetGetter<MLImage>(source)));
    }

    private ValueGetter<MLImage> Getter(ValueGetter<MLImage> getSource)
    {
        MLImage source = null;
        return (ref MLImage image) =>
        {
            getSource(ref source);
            image?.Dispose();
            image = source == null ? null : Resize(source);
        };
    }

    private MLImage Resize(MLImage source)
    {
        int width = _type.Width, height = _type.Height;
        if (_kind == ImageResizingEstimator.ResizingKind.Fill) return Stretch(source);
        double across = (double)width / source.Width, down = (double)height / source.Height;
        var scale = _kind == ImageResizingEstimator.ResizingKind.IsoCrop ? Math.Max(across, down) : Math.Min(across, down);
        int scaledWidth = Scaled(source.Width), scaledHeight = Scaled(source.Height);
        using var scaled = Vips.Resample(source, scaledWidth, scaledHeight);
        var (left, top) = ((width - scaledWidth) / 2, (height - scaledHeight) / 2);
        if (_kind == ImageResizingEstimator.ResizingKind.IsoCrop)
        {
            left = _anchor switch { ImageResizingEstimator.Anchor.Left => 0, ImageResizingEstimator.Anchor.Right => width - scaledWidth, _ => left };
            top = _anchor switch { ImageResizingEstimator.Anchor.Top => 0, ImageResizingEstimator.Anchor.Bottom => height - scaledHeight, _ => top };
        }

        return Place(scaled, left, top);

        int Scaled(int length) => Math.Max(1, (int)Math.Round(length * scale));
    }

    private MLImage Stretch(MLImage source)
    {
        var target = new byte[_type.Width * _type.Height * 4];
        for (var y = 0; y < _type.Height; y++)
        {
            var row = source.Pixels.Slice(Nearest(y, _type.Height, source.Height) * source.Width * 4, source.Width * 4);
            for (var x = 0; x < _type.Width; x++)
                row.Slice(Nearest(x, _type.Width, source.Width) * 4, 4).CopyTo(target.AsSpan((y * _type.Width + x) * 4));
        }

        return new MLImage(_type.Width, _type.Height, source.PixelFormat, target);

        static int Nearest(int at, int targetLength, int sourceLength) => (int)((at + 0.5) * sourceLength / targetLength);
    }

    // On an empty (black, transparent) target; what lies outside is cut off.
    private MLImage Place(MLImage source, int left, int top)
    {
        var target = new byte[_type.Width * _type.Height * 4];
        int from = Math.Max(0, left), until = Math.Min(_type.Width, left + source.Width);
        for (var y = Math.Max(0, top); y < Math.Min(_type.Height, top + source.Height); y++)
            source.Pixels.Slice(((y - top) * source.Width + from - left) * 4, (until - from) * 4).CopyTo(target.AsSpan((y * _type.Width + from) * 4));
        return new MLImage(_type.Width, _type.Height, source.PixelFormat, target);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<ImageResizingTransformer>();
        writer.WritePairs(Columns);
        writer.Write(_type.Width);
        writer.Write(_type.Height);
        writer.Write((byte)_kind);
        writer.Write((byte)_anchor);
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
    {
        var reader = ctx.Reader;
        var columns = reader.ReadPairs()[0];
        return new ImageResizingTransformer(
            reader.ReadInt32(),
            reader.ReadInt32(),
            (ImageResizingEstimator.ResizingKind)reader.ReadByte(),
            (ImageResizingEstimator.Anchor)reader.ReadByte(),
            columns);
    }
}
