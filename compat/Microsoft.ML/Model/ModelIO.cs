namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>What components of a model file have in common: lists, column pairs, values, types, schemas.</summary>
internal static class ModelIO
{
    public static void WriteList<T>(this BinaryWriter writer, IReadOnlyCollection<T> items, Action<T> write)
    {
        writer.Write(items.Count);
        foreach (var item in items) write(item);
    }

    public static T[] ReadList<T>(this BinaryReader reader, Func<T> read)
    {
        var items = new T[reader.ReadInt32()];
        for (var i = 0; i < items.Length; i++) items[i] = read();
        return items;
    }

    public static void WritePairs(this BinaryWriter writer, IReadOnlyCollection<InputOutputColumnPair> pairs) => writer.WriteList(pairs, pair =>
    {
        writer.Write(pair.OutputColumnName);
        writer.Write(pair.InputColumnName);
    });

    public static InputOutputColumnPair[] ReadPairs(this BinaryReader reader)
        => reader.ReadList(() => new InputOutputColumnPair(reader.ReadString(), reader.ReadString()));

    /// <summary>Whether columns of this type can stand in a saved schema; images cannot.</summary>
    public static bool CanWrite(DataViewType type) => type is VectorDataViewType or KeyDataViewType || DataViewTypes.PrimitiveOf(type.RawType) == type;

    public static void WriteType(this BinaryWriter writer, DataViewType type)
    {
        if (type is VectorDataViewType vector)
        {
            writer.Write('V');
            writer.WriteList(vector.Dimensions, writer.Write);
            writer.WriteType(vector.ItemType);
            return;
        }
        writer.Write(type is KeyDataViewType ? 'K' : 'P');
        writer.Write(type.RawType == typeof(DataViewRowId) ? (byte)0 : (byte)DataViewTypes.KindOf(DataViewTypes.PrimitiveOf(type.RawType)));
        if (type is KeyDataViewType key) writer.Write(key.Count);
    }

    public static DataViewType ReadType(this BinaryReader reader)
    {
        var tag = reader.ReadChar();
        if (tag == 'V')
        {
            var dimensions = reader.ReadList(reader.ReadInt32);
            return new VectorDataViewType((PrimitiveDataViewType)reader.ReadType(), dimensions);
        }
        var kind = reader.ReadByte();
        PrimitiveDataViewType type = kind == 0 ? RowIdDataViewType.Instance : DataViewTypes.Of((DataKind)kind);
        return tag == 'K' ? new KeyDataViewType(type.RawType, reader.ReadUInt64()) : type;
    }

    public static void WriteValue<T>(this BinaryWriter writer, T value)
    {
        switch (value)
        {
            case ReadOnlyMemory<char> text: writer.Write(text.ToString()); break;
            case bool flag: writer.Write(flag); break;
            case sbyte or byte or short or ushort or int or uint or long: writer.Write(Convert.ToInt64(value)); break;
            case ulong number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case double number: writer.Write(number); break;
            case TimeSpan time: writer.Write(time.Ticks); break;
            case DateTime time: writer.Write(time.ToBinary()); break;
            case DateTimeOffset time: writer.Write(time.UtcTicks); writer.Write(time.Offset.Ticks); break;
            case DataViewRowId id: writer.Write(id.Low); writer.Write(id.High); break;
            default: throw new NotSupportedException($"Values of type {typeof(T)} are not saved");
        }
    }

    public static T ReadValue<T>(this BinaryReader reader)
    {
        var type = typeof(T);
        object value = type == typeof(ReadOnlyMemory<char>) ? reader.ReadString().AsMemory()
            : type == typeof(bool) ? reader.ReadBoolean()
            : type == typeof(ulong) ? reader.ReadUInt64()
            : type == typeof(float) ? reader.ReadSingle()
            : type == typeof(double) ? reader.ReadDouble()
            : type == typeof(TimeSpan) ? new TimeSpan(reader.ReadInt64())
            : type == typeof(DateTime) ? DateTime.FromBinary(reader.ReadInt64())
            : type == typeof(DateTimeOffset) ? new DateTimeOffset(reader.ReadInt64(), TimeSpan.Zero).ToOffset(new TimeSpan(reader.ReadInt64()))
            : type == typeof(DataViewRowId) ? new DataViewRowId(reader.ReadUInt64(), reader.ReadUInt64())
            : Convert.ChangeType(reader.ReadInt64(), type);
        return (T)value;
    }

    /// <summary>The visible columns whose types can be saved, with those of their annotations that can.</summary>
    public static void WriteSchema(this BinaryWriter writer, DataViewSchema schema)
        => writer.WriteList(schema.Where(c => !c.IsHidden && CanWrite(c.Type)).ToArray(), column =>
        {
            writer.Write(column.Name);
            writer.WriteType(column.Type);
            writer.WriteList(column.Annotations.Schema.Where(a => CanWrite(a.Type)).ToArray(), annotation =>
            {
                writer.Write(annotation.Name);
                writer.WriteType(annotation.Type);
                Generic.Call(WriteAnnotation<int>, annotation.Type.ItemType().RawType, writer, column.Annotations, annotation);
            });
        });

    public static DataViewSchema ReadSchema(this BinaryReader reader)
    {
        var schema = new DataViewSchema.Builder();
        foreach (var column in reader.ReadList(() => ReadColumn(reader))) schema.AddColumn(column.Name, column.Type, column.Annotations);
        return schema.ToSchema();
    }

    private static DataViewSchema.DetachedColumn ReadColumn(BinaryReader reader)
    {
        var (name, type, annotations) = (reader.ReadString(), reader.ReadType(), new DataViewSchema.Annotations.Builder());
        reader.ReadList(() =>
        {
            var (kind, annotationType) = (reader.ReadString(), reader.ReadType());
            return Generic.Call(ReadAnnotation<int>, annotationType.ItemType().RawType, reader, annotations, (kind, annotationType));
        });
        return new DataViewSchema.DetachedColumn(name, type, annotations.ToAnnotations());
    }

    private static int WriteAnnotation<T>(BinaryWriter writer, DataViewSchema.Annotations annotations, DataViewSchema.Column annotation)
    {
        VBuffer<T> values = default;
        if (annotation.Type is VectorDataViewType) annotations.GetValue(annotation.Name, ref values);
        else
        {
            var editor = VBufferEditor.Create(ref values, 1);
            annotations.GetValue(annotation.Name, ref editor.Values[0]);
            values = editor.Commit();
        }
        var items = values.DenseValues().ToArray();
        writer.WriteList(items, writer.WriteValue);
        return items.Length;
    }

    private static int ReadAnnotation<T>(BinaryReader reader, DataViewSchema.Annotations.Builder annotations, (string Kind, DataViewType Type) annotation)
    {
        var items = reader.ReadList(reader.ReadValue<T>);
        if (annotation.Type is VectorDataViewType)
            annotations.Add(annotation.Kind, annotation.Type, (ref VBuffer<T> value) => VBuffer<T>.Copy(items, 0, ref value, items.Length));
        else annotations.Add(annotation.Kind, annotation.Type, (ref T value) => value = items[0]);
        return items.Length;
    }
}
