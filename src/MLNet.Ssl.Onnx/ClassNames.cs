using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Onnx;

/// <summary>What the classes of a key are called; of a key without names, their numbers from 1.</summary>
internal abstract class ClassNames
{
    private const string KeyValues = "KeyValues";

    /// <summary>Names of the scores; null where the classes are not called by texts.</summary>
    public virtual string[]? Slots => null;

    public static ClassNames Of(DataViewSchema.Annotations label, int classes)
    {
        if (label.Schema.GetColumnOrNull(KeyValues) is not { Type: VectorDataViewType { ItemType: var item } })
            return new Values<uint>([.. Enumerable.Range(1, classes).Select(c => (uint)c)]);
        return (ClassNames)typeof(ClassNames).GetMethod(nameof(Read), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(item.RawType).Invoke(null, BindingFlags.DoNotWrapExceptions, null, [label], null)!;
    }

    /// <summary>Steps from the number of a class, from 0, to a key with the names as its values.</summary>
    public abstract IEstimator<ITransformer>[] Steps(MLContext ml, string predictedLabel);

    private static ClassNames Read<T>(DataViewSchema.Annotations label)
    {
        VBuffer<T> values = default;
        label.GetValue(KeyValues, ref values);
        T[] names = [.. values.DenseValues()];
        return names is ReadOnlyMemory<char>[] texts ? new Texts([.. texts.Select(text => text.ToString())])
            : new Values<T>(names);
    }

    private class Values<T>(T[] names) : ClassNames
    {
        protected T[] Names => names;

        public override IEstimator<ITransformer>[] Steps(MLContext ml, string predictedLabel)
        {
            var ofNumbers = names.Select((name, number) => KeyValuePair.Create((uint)number, name));
            var keys = ml.Data.LoadFromEnumerable(names.Select(name => new Key { Value = name }));
            return
            [
                ml.Transforms.Conversion.MapValue(Columns.Name, ofNumbers, Columns.Class),
                ml.Transforms.Conversion.MapValueToKey(
                    predictedLabel, Columns.Name, maximumNumberOfKeys: names.Length, keyData: keys),
            ];
        }

        private sealed class Key
        {
            public T? Value { get; set; }
        }
    }

    private sealed class Texts(string[] names) : Values<string>(names)
    {
        public override string[] Slots => Names;
    }
}
