using System.Numerics;

namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>The columns that objects of a class give: members of an object read as values of a row.</summary>
internal sealed class ObjectColumns<TRow> where TRow : class
{
    private readonly SchemaDefinition.Column[] _columns;

    public ObjectColumns(SchemaDefinition definition = null)
    {
        _columns = (definition ?? SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read)).ToArray();
        var builder = new DataViewSchema.Builder();
        foreach (var column in _columns)
        {
            if (!ColumnReader.CanRead(column.MemberType, column.ColumnType)) throw ColumnReader.CannotBind(column);
            builder.AddColumn(column.ColumnName, column.ColumnType, column.Annotations);
        }
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    /// <summary>The members under the names of a schema, with its types and annotations.</summary>
    public static ObjectColumns<TRow> Of(DataViewSchema schema)
    {
        var definition = SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read);
        foreach (var column in definition)
            if (schema.GetColumnOrNull(column.ColumnName) is { } wanted) column.TakeFrom(wanted);
        return new ObjectColumns<TRow>(definition);
    }

    /// <summary>A getter of a column's value in the object that <paramref name="current"/> gives.</summary>
    public Delegate CreateGetter(int index, Func<TRow> current)
    {
        var column = _columns[index];
        var (isKey, isArray) = (column.ColumnType.ItemType() is KeyDataViewType, column.MemberType.IsArray);
        if (column.MemberType == typeof(string)) return Text(column, current);
        if (column.MemberType == typeof(string[])) return Texts(column, current);
        if (column.ColumnType is not VectorDataViewType vector)
            return isKey ? Generic.Call(Key<uint>, column.MemberType, column, current) : Generic.Call(Value<int>, column.MemberType, column, current);
        var item = vector.ItemType.RawType;
        return (isKey, isArray) switch
        {
            (true, true) => Generic.Call(KeyArray<uint>, item, column, current),
            (true, false) => Generic.Call(KeyBuffer<uint>, item, column, current),
            (false, true) => Generic.Call(Array<int>, item, column, current),
            (false, false) => Generic.Call(Buffer<int>, item, column, current)
        };
    }

    private static Delegate Value<T>(SchemaDefinition.Column column, Func<TRow> current)
    {
        var read = Member.Reader<TRow, T>(column.Member);
        return (ValueGetter<T>)((ref T value) => value = read(current()));
    }

    private static Delegate Text(SchemaDefinition.Column column, Func<TRow> current)
    {
        var read = Member.Reader<TRow, string>(column.Member);
        return (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = read(current()).AsMemory());
    }

    private static Delegate Texts(SchemaDefinition.Column column, Func<TRow> current)
    {
        var read = Member.Reader<TRow, string[]>(column.Member);
        return (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> value) => Copy(read(current()), ref value,
            text => text.AsMemory()));
    }

    private static Delegate Array<T>(SchemaDefinition.Column column, Func<TRow> current)
    {
        var read = Member.Reader<TRow, T[]>(column.Member);
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) =>
        {
            var items = read(current()) ?? [];
            VBuffer<T>.Copy(items, 0, ref value, items.Length);
        });
    }

    private static Delegate Buffer<T>(SchemaDefinition.Column column, Func<TRow> current)
    {
        var read = Member.Reader<TRow, VBuffer<T>>(column.Member);
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => read(current()).CopyTo(ref value));
    }

    // Keys in objects count from 0, in views from 1 with 0 for missing.
    private static Func<T, T> AddOne<T>(SchemaDefinition.Column column) where T : IBinaryInteger<T>
    {
        var count = ((KeyDataViewType)column.ColumnType.ItemType()).Count;
        return key => ulong.CreateTruncating(key) < count ? key + T.One : T.Zero;
    }

    private static Delegate Key<T>(SchemaDefinition.Column column, Func<TRow> current) where T : IBinaryInteger<T>
    {
        var (read, addOne) = (Member.Reader<TRow, T>(column.Member), AddOne<T>(column));
        return (ValueGetter<T>)((ref T value) => value = addOne(read(current())));
    }

    private static Delegate KeyArray<T>(SchemaDefinition.Column column, Func<TRow> current) where T : IBinaryInteger<T>
    {
        var (read, addOne) = (Member.Reader<TRow, T[]>(column.Member), AddOne<T>(column));
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => Copy(read(current()), ref value, addOne));
    }

    private static Delegate KeyBuffer<T>(SchemaDefinition.Column column, Func<TRow> current) where T : IBinaryInteger<T>
    {
        var (read, addOne) = (Member.Reader<TRow, VBuffer<T>>(column.Member), AddOne<T>(column));
        return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => Copy(read(current()).DenseValues().ToArray(), ref value, addOne));
    }

    private static void Copy<TItem, T>(TItem[] items, ref VBuffer<T> value, Func<TItem, T> convert)
    {
        items ??= [];
        var editor = VBufferEditor.Create(ref value, items.Length);
        for (var i = 0; i < items.Length; i++) editor.Values[i] = convert(items[i]);
        value = editor.Commit();
    }
}
