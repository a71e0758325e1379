using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>A column's values of two batches: the one that is handed out, and the one that is read meanwhile.</summary>
internal abstract class ColumnBuffer : IDisposable
{
    /// <summary>A buffer of the values of a source's column.</summary>
    public static ColumnBuffer Create(DataViewRow source, DataViewSchema.Column column) =>
        (ColumnBuffer)typeof(ColumnBuffer).GetMethod(nameof(Of), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(column.Type.RawType)
                .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [source, column], null)!;

    /// <summary>Copies the source's value into this row of the batch that is read.</summary>
    /// <returns>The bytes that the copy holds.</returns>
    public abstract long Read(int row);

    /// <summary>Hands out the batch that was read, and takes its place for the next.</summary>
    public abstract void Turn();

    /// <summary>The getter of the batch that is handed out.</summary>
    public abstract Delegate CreateGetter(BatchPlace place);

    /// <summary>
    /// A getter that reads the source's value as <see cref="Read"/> does and shows the copy, which is not to be
    /// changed.
    /// </summary>
    public abstract Delegate CreateReader(Func<int> row, Action<long> count);

    /// <summary>Frees what the copies hold.</summary>
    public virtual void Dispose() { }

    private static ColumnBuffer Of<T>(DataViewRow source, DataViewSchema.Column column) =>
        (Delegate)source.GetGetter<T>(column) switch
        {
            ValueGetter<MLImage> images => new ImageBuffer(images),
            ValueGetter<ReadOnlyMemory<char>> texts => new TextBuffer(texts),
            ValueGetter<VBuffer<ReadOnlyMemory<char>>> texts => new TextVectorBuffer(texts),
            var vectors when typeof(T) is { IsGenericType: true } type
            && type.GetGenericTypeDefinition() == typeof(VBuffer<>) =>
                (ColumnBuffer)Activator.CreateInstance(
                    typeof(VectorBuffer<>).MakeGenericType(type.GetGenericArguments()), vectors)!,
            var values => new ValueBuffer<T>((ValueGetter<T>)values),
        };
}

/// <inheritdoc/>
internal abstract class ColumnBuffer<T> : ColumnBuffer
{
    private T[] _handedOut = [], _read = [];

    public sealed override long Read(int row)
    {
        if (row == _read.Length) Array.Resize(ref _read, Math.Max(4, 2 * row));
        return Read(ref _read[row]);
    }

    public sealed override void Turn() => (_handedOut, _read) = (_read, _handedOut);

    public override Delegate CreateGetter(BatchPlace place) =>
        (ValueGetter<T>)((ref T value) => Give(in Copy(place), ref value));

    public sealed override Delegate CreateReader(Func<int> row, Action<long> count) => (ValueGetter<T>)((ref T value) =>
    {
        count(Read(row()));
        value = _read[row()];
    });

    protected IEnumerable<T> Copies => _handedOut.Concat(_read);

    protected ref readonly T Copy(BatchPlace place) => ref _handedOut[place.Row];

    /// <summary>Copies the source's value in place of one that is done with, or of the type's default.</summary>
    /// <returns>The bytes that the copy holds.</returns>
    protected abstract long Read(ref T copy);

    protected abstract void Give(in T copy, ref T value);
}
