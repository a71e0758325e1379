using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms.Image;

/// <summary>Turns images into vectors of their pixels.</summary>
public sealed class ImagePixelExtractingEstimator : TrivialEstimator<ImagePixelExtractingTransformer>
{
    internal ImagePixelExtractingEstimator(ImagePixelExtractingTransformer transformer) : base(transformer) { }

    /// <summary>The colours to extract.</summary>
    [Flags]
    public enum ColorBits : byte
    {
        /// <summary>Opacity.</summary>
        Alpha = 1,

        /// <summary>Red.</summary>
        Red = 2,

        /// <summary>Green.</summary>
        Green = 4,

        /// <summary>Blue.</summary>
        Blue = 8,

        /// <summary>Red, green and blue.</summary>
        Rgb = Red | Green | Blue,

        /// <summary>Red, green, blue and opacity.</summary>
        All = Alpha | Rgb,
    }

    /// <summary>The order of the colours that are extracted.</summary>
    public enum ColorsOrder : byte
    {
        /// <summary>Alpha, red, green, blue.</summary>
        ARGB = 1,

        /// <summary>Alpha, red, blue, green.</summary>
        ARBG = 2,

        /// <summary>Alpha, blue, red, green.</summary>
        ABRG = 3,

        /// <summary>Alpha, blue, green, red.</summary>
        ABGR = 4,

        /// <summary>Alpha, green, red, blue.</summary>
        AGRB = 5,

        /// <summary>Alpha, green, blue, red.</summary>
        AGBR = 6,
    }

    /// <inheritdoc/>
    public override SchemaShape GetOutputSchema(SchemaShape inputSchema) => Transformer.Shape(inputSchema);
}

/// <summary>Turns images into vectors of their pixels.</summary>
public sealed class ImagePixelExtractingTransformer : OneToOneTransformerBase, ILoadable
{
    private readonly PixelLayout _layout;

    internal ImagePixelExtractingTransformer(PixelLayout layout, InputOutputColumnPair columns) : base([columns])
    {
        if ((layout.Colors & ~ImagePixelExtractingEstimator.ColorBits.All) != 0 || layout.Colors == 0)
            throw new ArgumentOutOfRangeException("colorsToExtract", layout.Colors, "Expected at least one of the colours");
        if (!Enum.IsDefined(layout.Order)) throw new ArgumentOutOfRangeException("orderOfExtraction", layout.Order, "Not an order of colours");
        if (!layout.AsSingle && (layout.Offset != 0 || layout.Scale != 1))
            throw new ArgumentException("An offset and a scale need outputAsFloatArray", nameof(layout));
        _layout = layout;
    }

    // The size of the image is known only with the data.
    internal SchemaShape Shape(SchemaShape input) => input.Replace(Columns[0], new VectorDataViewType(_layout.ItemType, 1));

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        var image = source.ImageType();
        if (image.Height == 0)
            throw SchemaMismatch.WrongType("image", source.Name, "images of one known size (ResizeImages gives them one)", image.ToString());
        int height = image.Height, width = image.Width, planes = _layout.Letters.Length;
        int[] dimensions = _layout.Interleave ? [height, width, planes] : [planes, height, width];
        return new MappedColumn(
            pair.OutputColumnName,
            new VectorDataViewType(_layout.ItemType, dimensions),
            null,
            [source.Index],
            row => _layout.AsSingle
                ? Getter<float>(row, source, image, value => (value - _layout.Offset) * _layout.Scale)
                : Getter<byte>(row, source, image, value => value));
    }

    private ValueGetter<VBuffer<T>> Getter<T>(DataViewRow row, DataViewSchema.Column source, ImageDataViewType type, Func<byte, T> convert)
    {
        var getImage = row.GetGetter<MLImage>(source);
        var table = Array.ConvertAll([.. Enumerable.Range(0, 256)], value => convert((byte)value));
        MLImage image = null;
        return (ref VBuffer<T> pixels) =>
        {
            getImage(ref image);
            var size = type.Height * type.Width;
            var editor = VBufferEditor.Create(ref pixels, size * _layout.Letters.Length);
            if (image == null) editor.Values.Clear();
            else if (image.Height != type.Height || image.Width != type.Width)
                throw new InvalidOperationException(
                    $"Column '{source.Name}' holds an image of {image.Width} x {image.Height} pixels: expected {type.Width} x {type.Height}");
            else Extract(image, table, editor.Values);
            pixels = editor.Commit();
        };
    }

    private void Extract<T>(MLImage image, T[] table, Span<T> target)
    {
        var letters = _layout.Letters;
        var inPixel = image.PixelFormat == MLPixelFormat.Bgra32 ? "BGRA" : "RGBA";
        var pixels = image.Pixels;
        var size = pixels.Length / 4;
        var (perColour, perPixel) = _layout.Interleave ? (1, letters.Length) : (size, 1);
        for (var k = 0; k < letters.Length; k++)
            for (int i = 0, from = inPixel.IndexOf(letters[k]), to = k * perColour; i < size; i++, from += 4, to += perPixel)
                target[to] = table[pixels[from]];
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<ImagePixelExtractingTransformer>();
        writer.WritePairs(Columns);
        writer.Write((byte)_layout.Colors);
        writer.Write((byte)_layout.Order);
        writer.Write(_layout.Interleave);
        writer.Write(_layout.Offset);
        writer.Write(_layout.Scale);
        writer.Write(_layout.AsSingle);
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
    {
        var reader = ctx.Reader;
        var columns = reader.ReadPairs()[0];
        var layout = new PixelLayout(
            (ImagePixelExtractingEstimator.ColorBits)reader.ReadByte(),
            (ImagePixelExtractingEstimator.ColorsOrder)reader.ReadByte(),
            reader.ReadBoolean(),
            reader.ReadSingle(),
            reader.ReadSingle(),
            reader.ReadBoolean());
        return new ImagePixelExtractingTransformer(layout, columns);
    }
}

/// <summary>How pixels become the items of a vector.</summary>
internal sealed record PixelLayout(
    ImagePixelExtractingEstimator.ColorBits Colors,
    ImagePixelExtractingEstimator.ColorsOrder Order,
    bool Interleave,
    float Offset,
    float Scale,
    bool AsSingle)
{
    public PrimitiveDataViewType ItemType => AsSingle ? NumberDataViewType.Single : NumberDataViewType.Byte;

    /// <summary>The colours as letters, in the order of extraction.</summary>
    public string Letters { get; } = string.Concat(Order.ToString().Where(letter => Colors.HasFlag(letter switch
    {
        'A' => ImagePixelExtractingEstimator.ColorBits.Alpha,
        'R' => ImagePixelExtractingEstimator.ColorBits.Red,
        'G' => ImagePixelExtractingEstimator.ColorBits.Green,
        _ => ImagePixelExtractingEstimator.ColorBits.Blue,
    })));
}
