using System.Numerics;

namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>Getters whose type is known only at run time.</summary>
internal static class Getters
{
    /// <summary>The getter of a column, as a <c>ValueGetter</c> of its raw type.</summary>
    public static Delegate GetGetter(this DataViewRow row, DataViewSchema.Column column) => Generic.Call(Untyped<int>, column.Type.RawType, row, column);

    /// <summary>The value at every call, boxed; vectors as dense arrays.</summary>
    public static Func<object> BoxedGetter(this DataViewRow row, DataViewSchema.Column column)
        => column.Type is VectorDataViewType vector
            ? Generic.Call(BoxedVector<int>, vector.ItemType.RawType, row, column)
            : Generic.Call(Boxed<int>, column.Type.RawType, row, column);

    /// <summary>The value of a numeric or key column at every call.</summary>
    public static Func<double> Numbers(this DataViewRow row, DataViewSchema.Column column) => Generic.Call(Number<int>, column.Type.RawType, row, column);

    /// <summary>The getter cast to the type asked for, or the error that names both types.</summary>
    public static ValueGetter<TValue> As<TValue>(this Delegate getter, DataViewSchema.Column column)
        => getter as ValueGetter<TValue>
            ?? throw new InvalidOperationException(
                $"Invalid TValue in GetGetter for column '{column.Name}': '{typeof(TValue)}', expected type: '{column.Type.RawType}'");

    public static ArgumentOutOfRangeException Inactive(DataViewSchema.Column column)
        => new(nameof(column), $"Column '{column.Name}' is not active in this row");

    private static Delegate Untyped<T>(DataViewRow row, DataViewSchema.Column column) => row.GetGetter<T>(column);

    private static Func<double> Number<T>(DataViewRow row, DataViewSchema.Column column) where T : INumberBase<T>
    {
        var getter = row.GetGetter<T>(column);
        return () =>
        {
            var value = T.Zero;
            getter(ref value);
            return double.CreateTruncating(value);
        };
    }

    private static Func<object> Boxed<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<T>(column);
        return () =>
        {
            T value = default;
            getter(ref value);
            return value;
        };
    }

    private static Func<object> BoxedVector<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<VBuffer<T>>(column);
        return () =>
        {
            VBuffer<T> value = default;
            getter(ref value);
            return value.DenseValues().ToArray();
        };
    }
}
