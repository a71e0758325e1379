using Microsoft.ML;

namespace MLNet.Ssl.DataView;

/// <summary>Getters whose type is known when they are asked for only.</summary>
internal static class Getters
{
    /// <summary>The getter as one of this type, which the column's values must have.</summary>
    public static ValueGetter<T> Of<T>(this Delegate getter, DataViewSchema.Column column) => getter as ValueGetter<T>
        ?? throw new InvalidOperationException($"Column '{column.Name}' holds {column.Type.RawType}, not {typeof(T)}.");
}
