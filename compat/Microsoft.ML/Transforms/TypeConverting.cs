using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class TypeConvertingEstimator : TrivialEstimator<TypeConvertingTransformer>
{
    internal TypeConvertingEstimator(InputOutputColumnPair[] columns, DataKind outputKind) : base(new TypeConvertingTransformer(columns, outputKind)) { }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema.With(Array.ConvertAll(Transformer.Columns, pair =>
    {
        var source = inputSchema.Find(pair.InputColumnName);
        if (source.IsKey || !TypeConvertingTransformer.CanConvert(source.ItemType, Transformer.OutputType))
            throw SchemaMismatch.WrongType("input", source.Name, $"a type that converts to {Transformer.OutputType}", source.GetTypeString());
        var kept = source.Annotations.Where(a => a.Name == AnnotationKinds.SlotNames);
        return new SchemaShape.Column(pair.OutputColumnName, source.Kind, Transformer.OutputType, false, new SchemaShape(kept));
    }));
}

/// <summary>Converts numbers, Booleans and text into one another.</summary>
public sealed class TypeConvertingTransformer : OneToOneTransformerBase, ILoadable
{
    private readonly DataKind _outputKind;

    internal TypeConvertingTransformer(InputOutputColumnPair[] columns, DataKind outputKind) : base(columns)
        => (_outputKind, OutputType) = (outputKind, DataViewTypes.Of(outputKind));

    internal PrimitiveDataViewType OutputType { get; }

    internal static bool CanConvert(DataViewType from, DataViewType to)
        => from.Equals(to) || from is NumberDataViewType or BooleanDataViewType or TextDataViewType && to is NumberDataViewType or TextDataViewType;

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        if (!CanConvert(source.Type.ItemType(), OutputType))
            throw SchemaMismatch.WrongType("input", source.Name, $"a type that converts to {OutputType}", source.Type.ToString());
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, kind => kind == AnnotationKinds.SlotNames);
        return new MappedColumn(pair.OutputColumnName, source.Type.WithItemType(OutputType), annotations.ToAnnotations(), [source.Index],
            row => Generic.Call(From<int>, source.Type.ItemType().RawType, row, source));
    }

    private Delegate From<TIn>(DataViewRow row, DataViewSchema.Column source)
    {
        if (OutputType.RawType == typeof(TIn)) return Slots.Map<TIn, TIn>(row, source, (_, value) => value);
        if (OutputType is TextDataViewType)
            return Slots.Map<TIn, ReadOnlyMemory<char>>(row, source, (_, value) => Convert.ToString(value, CultureInfo.InvariantCulture).AsMemory());
        return Generic.Call(new To<TIn>().Number<int>, OutputType.RawType, row, source);
    }

    private sealed class To<TIn>
    {
        // What does not fit or cannot be read is missing where the type has a missing value, else the default.
        public Delegate Number<T>(DataViewRow row, DataViewSchema.Column source) where T : INumberBase<T>
            => Slots.Map<TIn, T>(row, source, (_, value) => Convert<T>(value));

        private static T Convert<T>(TIn value) where T : INumberBase<T> => value switch
        {
            ReadOnlyMemory<char> { IsEmpty: true } => T.Zero,
            ReadOnlyMemory<char> text
                => T.TryParse(text.Span, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) ? parsed : T.CreateSaturating(double.NaN),
            bool flag => flag ? T.One : T.Zero,
            float number => T.CreateSaturating(number),
            double number => T.CreateSaturating(number),
            ulong number => T.CreateTruncating(number),
            _ => T.CreateTruncating(System.Convert.ToInt64(value, CultureInfo.InvariantCulture))
        };
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<TypeConvertingTransformer>();
        writer.WritePairs(Columns);
        writer.Write((byte)_outputKind);
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx) => new TypeConvertingTransformer(ctx.Reader.ReadPairs(), (DataKind)ctx.Reader.ReadByte());
}
