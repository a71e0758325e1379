using System.Globalization;

namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;
    private readonly int _maximumNumberOfKeys;
    private readonly KeyOrdinality _ordinality;
    private readonly bool _annotationsAsText;
    private readonly IDataView _keyData;

    internal ValueToKeyMappingEstimator(InputOutputColumnPair[] columns, int maximumNumberOfKeys, KeyOrdinality ordinality, bool annotationsAsText,
        IDataView keyData)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumNumberOfKeys);
        if (keyData != null && keyData.Schema.Count(c => !c.IsHidden) != 1) throw new ArgumentException("Key data must have a single column", nameof(keyData));
        (_columns, _maximumNumberOfKeys, _ordinality, _annotationsAsText, _keyData) = (columns, maximumNumberOfKeys, ordinality, annotationsAsText, keyData);
    }

    public enum KeyOrdinality : byte
    {
        ByOccurrence = 0,
        ByValue = 1
    }

    public ValueToKeyMappingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var sources = Array.ConvertAll(_columns, pair => KeyMap.Check(input.Schema.Find(pair.InputColumnName)));
        var maps = Array.ConvertAll(sources, c => KeyMap.Create((PrimitiveDataViewType)c.Type.ItemType(), _annotationsAsText));
        if (_keyData == null)
        {
            Slots.Scan(input, sources, (row, column, i) => maps[i].Learner(row, column, _maximumNumberOfKeys));
            if (_ordinality == KeyOrdinality.ByValue)
                foreach (var map in maps) map.Sort();
        }
        else
        {
            var keys = _keyData.Schema.Single(c => !c.IsHidden);
            for (var i = 0; i < maps.Length; i++)
                if (!keys.Type.Equals(maps[i].ItemType))
                    throw SchemaMismatch.WrongType("key data", keys.Name, maps[i].ItemType.ToString(), keys.Type.ToString(), "keyData");
            foreach (var map in maps) Slots.Scan(_keyData, [keys], (row, column, _) => map.Learner(row, column, int.MaxValue));
        }
        return new ValueToKeyMappingTransformer(_columns, maps);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema.With(Array.ConvertAll(_columns, pair =>
    {
        var source = inputSchema.Find(pair.InputColumnName);
        if (source.IsKey || source.ItemType is not PrimitiveDataViewType)
            throw SchemaMismatch.WrongType("input", source.Name, "a primitive type or a vector of it", source.GetTypeString());
        var kept = source.Annotations.Where(a => a.Name == AnnotationKinds.SlotNames);
        var values = new SchemaShape.Column(AnnotationKinds.KeyValues, SchemaShape.Column.VectorKind.Vector,
            _annotationsAsText ? TextDataViewType.Instance : source.ItemType, false);
        return new SchemaShape.Column(pair.OutputColumnName, source.Kind, NumberDataViewType.UInt32, true, new SchemaShape(kept.Append(values)));
    }));
}

public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase, ILoadable
{
    private readonly KeyMap[] _maps;

    internal ValueToKeyMappingTransformer(InputOutputColumnPair[] columns, KeyMap[] maps) : base(columns) => _maps = maps;

    private protected override MappedColumn MapColumn(DataViewSchema.Column source, InputOutputColumnPair pair, int pairIndex)
    {
        var map = _maps[pairIndex];
        if (!source.Type.ItemType().Equals(map.ItemType))
            throw SchemaMismatch.WrongType("input", source.Name, $"{map.ItemType} or a vector of it", source.Type.ToString());
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, kind => kind == AnnotationKinds.SlotNames);
        map.AddKeyValues(annotations);
        var type = source.Type.WithItemType(new KeyDataViewType(typeof(uint), Math.Max(1, map.Count)));
        return new MappedColumn(pair.OutputColumnName, type, annotations.ToAnnotations(), [source.Index], row => map.Getter(row, source));
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<ValueToKeyMappingTransformer>();
        writer.WritePairs(Columns);
        writer.WriteList(_maps, map => map.Write(writer));
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
        => new ValueToKeyMappingTransformer(ctx.Reader.ReadPairs(), ctx.Reader.ReadList(() => KeyMap.Read(ctx.Reader)));
}

/// <summary>The values of a column numbered from 1.</summary>
internal abstract class KeyMap(PrimitiveDataViewType itemType, bool annotationsAsText)
{
    public PrimitiveDataViewType ItemType => itemType;
    public abstract int Count { get; }

    public static DataViewSchema.Column Check(DataViewSchema.Column source)
        => source.Type.ItemType() is PrimitiveDataViewType and not KeyDataViewType ? source
            : throw SchemaMismatch.WrongType("input", source.Name, "a primitive type or a vector of it", source.Type.ToString());

    public static KeyMap Create(PrimitiveDataViewType itemType, bool annotationsAsText)
        => Generic.Call(New<int>, itemType.RawType, itemType, annotationsAsText);

    private static KeyMap New<T>(PrimitiveDataViewType itemType, bool annotationsAsText) => new Of<T>(itemType, annotationsAsText);

    /// <summary>An action that takes in the values of the row as it stands.</summary>
    public abstract Action Learner(DataViewRow row, DataViewSchema.Column column, int maximumCount);
    public abstract void Sort();
    public abstract Delegate Getter(DataViewRow row, DataViewSchema.Column column);
    public abstract void AddKeyValues(DataViewSchema.Annotations.Builder annotations);
    protected abstract void WriteValues(BinaryWriter writer);
    protected abstract void ReadValues(BinaryReader reader);

    public void Write(BinaryWriter writer)
    {
        writer.WriteType(itemType);
        writer.Write(annotationsAsText);
        WriteValues(writer);
    }

    public static KeyMap Read(BinaryReader reader)
    {
        var map = Create((PrimitiveDataViewType)reader.ReadType(), reader.ReadBoolean());
        map.ReadValues(reader);
        return map;
    }

    private sealed class Of<T>(PrimitiveDataViewType itemType, bool annotationsAsText) : KeyMap(itemType, annotationsAsText)
    {
        private readonly bool _asText = annotationsAsText && itemType is not TextDataViewType;
        private readonly List<T> _values = [];
        private readonly Dictionary<object, uint> _keys = [];

        public override int Count => _values.Count;

        // Text is equal by its characters; the empty text and NaN are missing.
        private static object Comparable(T value) => value switch
        {
            ReadOnlyMemory<char> text => text.IsEmpty ? null : text.ToString(),
            float number when float.IsNaN(number) => null,
            double number when double.IsNaN(number) => null,
            _ => value
        };

        private void Add(T value)
        {
            if (Comparable(value) is not { } key || !_keys.TryAdd(key, (uint)_values.Count + 1)) return;
            // The reader may use its memory again.
            _values.Add(key is string text ? (T)(object)text.AsMemory() : value);
        }

        public override Action Learner(DataViewRow row, DataViewSchema.Column column, int maximumCount) => Slots.Visitor<T>(row, column, (_, value) =>
        {
            if (_values.Count < maximumCount) Add(value);
        });

        public override void Sort()
        {
            T[] sorted = [.. _values.OrderBy(v => v is ReadOnlyMemory<char> text ? text.ToString() : (object)v, Comparer<object>.Create(
                (a, b) => a is string text ? string.CompareOrdinal(text, (string)b) : Comparer<object>.Default.Compare(a, b)))];
            _values.Clear();
            _keys.Clear();
            foreach (var value in sorted) Add(value);
        }

        public override Delegate Getter(DataViewRow row, DataViewSchema.Column column)
            => Slots.Map<T, uint>(row, column, (_, value) => Comparable(value) is { } key ? _keys.GetValueOrDefault(key) : 0);

        public override void AddKeyValues(DataViewSchema.Annotations.Builder annotations)
        {
            if (!_asText) annotations.AddVector(AnnotationKinds.KeyValues, ItemType, _values.ToArray());
            else
            {
                var texts = _values.Select(v => Convert.ToString(v, CultureInfo.InvariantCulture).AsMemory()).ToArray();
                annotations.AddVector(AnnotationKinds.KeyValues, TextDataViewType.Instance, texts);
            }
        }

        protected override void WriteValues(BinaryWriter writer) => writer.WriteList(_values, writer.WriteValue);

        protected override void ReadValues(BinaryReader reader)
        {
            foreach (var value in reader.ReadList(reader.ReadValue<T>)) Add(value);
        }
    }
}
