using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.Data;

/// <summary>Reads image files whose paths stand in a column.</summary>
public sealed class ImageLoadingEstimator : TrivialEstimator<ImageLoadingTransformer>
{
    internal ImageLoadingEstimator(ImageLoadingTransformer transformer) : base(transformer) { }

    /// <inheritdoc/>
    public override SchemaShape GetOutputSchema(SchemaShape inputSchema) => Transformer.Shape(inputSchema);
}

/// <summary>Reads image files whose paths stand in a column: to images, or to their bytes as they are.</summary>
public sealed class ImageLoadingTransformer : OneToOneTransformerBase, ILoadable
{
    /// <summary>What relative paths start from; null or empty: the working directory.</summary>
    public readonly string ImageFolder;

    private readonly bool _decode;

    internal ImageLoadingTransformer(string imageFolder, bool decode, InputOutputColumnPair columns) : base([columns])
        => (ImageFolder, _decode) = (imageFolder, decode);

    private DataViewType OutputType => _decode ? new ImageDataViewType() : new VectorDataViewType(NumberDataViewType.Byte);

    internal SchemaShape Shape(SchemaShape input)
    {
        var source = input.Find(Columns[0].InputColumnName);
        if (source.Kind != SchemaShape.Column.VectorKind.Scalar || source.ItemType is not TextDataViewType)
            throw SchemaMismatch.WrongType("image path", source.Name, TextDataViewType.Instance.ToString(), source.GetTypeString());
        return input.With(SchemaShape.Column.Of(Columns[0].OutputColumnName, OutputType));
    }

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        if (source.Type is not TextDataViewType)
            throw SchemaMismatch.WrongType("image path", source.Name, TextDataViewType.Instance.ToString(), source.Type.ToString());
        return new MappedColumn(pair.OutputColumnName, OutputType, null, [source.Index], row => _decode ? Images(row, source) : Bytes(row, source));
    }

    private ValueGetter<MLImage> Images(DataViewRow row, DataViewSchema.Column source)
    {
        var path = Path(row, source);
        return (ref MLImage image) =>
        {
            image?.Dispose();
            image = null;
            if (path() is not { } file) return;
            image = MLImage.CreateFromFile(file);
            image.Tag = file;
        };
    }

    private ValueGetter<VBuffer<byte>> Bytes(DataViewRow row, DataViewSchema.Column source)
    {
        var path = Path(row, source);
        return (ref VBuffer<byte> bytes) =>
        {
            var content = path() is { } file ? File.ReadAllBytes(file) : [];
            bytes = new VBuffer<byte>(content.Length, content);
        };
    }

    // Null where the row has no path.
    private Func<string> Path(DataViewRow row, DataViewSchema.Column source)
    {
        var getter = row.GetGetter<ReadOnlyMemory<char>>(source);
        var text = default(ReadOnlyMemory<char>);
        return () =>
        {
            getter(ref text);
            return text.IsEmpty ? null : System.IO.Path.Combine(ImageFolder ?? "", text.ToString());
        };
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<ImageLoadingTransformer>();
        writer.WritePairs(Columns);
        writer.Write(ImageFolder ?? "");
        writer.Write(_decode);
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
    {
        var columns = ctx.Reader.ReadPairs()[0];
        return new ImageLoadingTransformer(ctx.Reader.ReadString(), ctx.Reader.ReadBoolean(), columns);
    }
}
