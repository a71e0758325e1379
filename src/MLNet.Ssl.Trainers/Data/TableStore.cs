using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Rows of numbers in memory, as one tensor.</summary>
public sealed class TableStore : IDisposable
{
    /// <summary>Copies rows.</summary>
    /// <param name="values">The values row by row, all finite; their number is a multiple of
    /// <paramref name="columns"/>.</param>
    /// <param name="columns">Width of a row, 1 and up.</param>
    /// <exception cref="ArgumentException">There is no row, the last one is incomplete, or a value is not finite; the
    /// message names row and slot.</exception>
    /// <exception cref="InvalidOperationException">libtorch is not there; the message names the packages.</exception>
    public TableStore(ReadOnlyMemory<float> values, int columns)
    {
        Check.InRange(columns, 1, int.MaxValue);
        if (values.Length == 0 || values.Length % columns != 0)
            throw new ArgumentException(
                $"{values.Length} values make no table of {columns} columns; "
                + $"expected a multiple of {columns}, above 0.", nameof(values));
        CheckFinite(values.Span, columns);
        NativeTorch.Require();
        Values = NativeTensor.Of(values.Span, values.Length / columns, columns).DetachFromDisposeScope();
    }

    /// <summary>Takes over (rows, columns), contiguous, float32 and finite, on the processor.</summary>
    internal TableStore(Tensor values) => Values = values.DetachFromDisposeScope();

    /// <summary>Number of rows.</summary>
    public int Count => (int)Values.size(0);

    /// <summary>Width of a row.</summary>
    public int Columns => (int)Values.size(1);

    /// <summary>What the source says of slots that belong to one category; null if it says nothing.</summary>
    internal IReadOnlyList<Range>? Categories { get; init; }

    /// <summary>(rows, columns), float32, on the processor.</summary>
    public Tensor Values { get; }

    /// <summary>Releases the rows.</summary>
    public void Dispose() => Values.Dispose();

    private static void CheckFinite(ReadOnlySpan<float> values, int columns)
    {
        for (int i = 0; i < values.Length; i++)
            if (!float.IsFinite(values[i]))
                throw new ArgumentException(
                    $"Row {i / columns}, slot {i % columns}: {values[i]} is not a finite number.", nameof(values));
    }
}
