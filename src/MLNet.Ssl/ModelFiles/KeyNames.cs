using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl.ModelFiles;

/// <summary>
/// What the classes of a key are called: the annotation by which <c>MapKeyToValue</c> gives labels back, in a
/// description.
/// </summary>
/// <param name="Type">Name of the values' type.</param>
/// <param name="Values">The values, an array.</param>
internal sealed record KeyNames(string Type, JsonElement Values)
{
    /// <summary>Classes of a classifier, which has a score of each for every row.</summary>
    public const int MostClasses = 1 << 24;

    private const string Kind = "KeyValues";

    private static readonly ItemType[] Types =
    [
        new Item<string>(TextDataViewType.Instance), new Item<bool>(BooleanDataViewType.Instance),
        new Item<sbyte>(NumberDataViewType.SByte), new Item<byte>(NumberDataViewType.Byte),
        new Item<short>(NumberDataViewType.Int16), new Item<ushort>(NumberDataViewType.UInt16),
        new Item<int>(NumberDataViewType.Int32), new Item<uint>(NumberDataViewType.UInt32),
        new Item<long>(NumberDataViewType.Int64), new Item<ulong>(NumberDataViewType.UInt64),
        new Item<float>(NumberDataViewType.Single), new Item<double>(NumberDataViewType.Double),
        new Item<DateTime>(DateTimeDataViewType.Instance), new Item<DateTimeOffset>(
        DateTimeOffsetDataViewType.Instance),
        new Item<TimeSpan>(TimeSpanDataViewType.Instance),
    ];

    public static KeyNames? Of(DataViewSchema.Annotations label)
    {
        if (label.Schema.GetColumnOrNull(Kind) is not { Type: VectorDataViewType vector }) return null;
        var type = Types.FirstOrDefault(t => t.Type == vector.ItemType)
            ?? throw new NotSupportedException(
                $"Classes that are values of {vector.ItemType} cannot be saved; MapValueToKey on text makes classes "
                    + "that can.");
        return new(type.Name, type.Read(label));
    }

    /// <summary>The label's annotations again.</summary>
    public static DataViewSchema.Annotations Annotations(KeyNames? names, int classes)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        if (names is null) return annotations.ToAnnotations();
        var type = Types.FirstOrDefault(t => t.Name == names.Type)
            ?? throw new InvalidDataException($"the classes are values of the unknown type '{names.Type}'.");
        int count = names.Values.ValueKind == JsonValueKind.Array ? names.Values.GetArrayLength() : -1;
        if (count != classes) throw new InvalidDataException($"there are {classes} classes, but names for {count}.");
        type.Add(annotations, names.Values);
        return annotations.ToAnnotations();
    }

    private abstract class ItemType(PrimitiveDataViewType type)
    {
        public PrimitiveDataViewType Type => type;

        public abstract string Name { get; }

        public abstract JsonElement Read(DataViewSchema.Annotations label);

        public abstract void Add(DataViewSchema.Annotations.Builder annotations, JsonElement values);
    }

    /// <summary>Values that are <typeparamref name="T"/> in JSON; text is of another type in ML.NET.</summary>
    private sealed class Item<T>(PrimitiveDataViewType type) : ItemType(type)
    {
        public override string Name => typeof(T).Name;

        public override JsonElement Read(DataViewSchema.Annotations label) => typeof(T) == typeof(string)
            ? JsonSerializer.SerializeToElement(
                Dense<ReadOnlyMemory<char>>(label).Select(text => text.ToString()).ToArray(), BackboneJson.Options)
            : JsonSerializer.SerializeToElement(Dense<T>(label), BackboneJson.Options);

        public override void Add(DataViewSchema.Annotations.Builder annotations, JsonElement values)
        {
            var items = values.Deserialize<T[]>(BackboneJson.Options)!;
            if (items is string[] texts)
            {
                if (texts.Contains(null)) throw new InvalidDataException("the name of a class is null.");
                Add(annotations, texts.Select(text => text.AsMemory()).ToArray());
            }
            else
            {
                Add(annotations, items);
            }
        }

        private void Add<TRaw>(DataViewSchema.Annotations.Builder annotations, TRaw[] items) =>
            annotations.Add(Kind, new VectorDataViewType(Type, items.Length), (ref VBuffer<TRaw> destination) =>
            {
                var editor = VBufferEditor.Create(ref destination, items.Length);
                items.CopyTo(editor.Values);
                destination = editor.Commit();
            });

        private static TRaw[] Dense<TRaw>(DataViewSchema.Annotations label)
        {
            VBuffer<TRaw> values = default;
            label.GetValue(Kind, ref values);
            return [.. values.DenseValues()];
        }
    }
}
