using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>Scalars; of a type of the user's own that is a class, references.</summary>
internal sealed class ValueBuffer<T>(ValueGetter<T> source) : ColumnBuffer<T>
{
    protected override long Read(ref T copy)
    {
        // A getter may fill the object it is given, and the last one may still be in a consumer's hands.
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) copy = default!;
        source(ref copy);
        return Unsafe.SizeOf<T>();
    }

    public override Delegate CreateGetter(BatchPlace place) => (ValueGetter<T>)((ref T value) => value = Copy(place));

    protected override void Give(in T copy, ref T value) => value = copy;
}

/// <summary>Vectors, dense and sparse as they come.</summary>
internal class VectorBuffer<T>(ValueGetter<VBuffer<T>> source) : ColumnBuffer<VBuffer<T>>
{
    protected override long Read(ref VBuffer<T> copy)
    {
        ReadOnlySpan<T> values = copy.GetValues();
        ReadOnlySpan<int> indices = copy.GetIndices();
        source(ref copy);
        // Other arrays than it was given may be a source's own, which shows them row after row.
        if (!IsWithin(copy.GetValues(), values) || !IsWithin(copy.GetIndices(), indices))
        {
            VBuffer<T> own = default;
            copy.CopyTo(ref own);
            copy = own;
        }
        var editor = VBufferEditor.CreateFromBuffer(ref copy);
        return Own(editor.Values) + editor.Indices.Length * sizeof(int);
    }

    private static bool IsWithin<TItem>(ReadOnlySpan<TItem> span, ReadOnlySpan<TItem> before) =>
        span.IsEmpty || Unsafe.AreSame(ref MemoryMarshal.GetReference(span), ref MemoryMarshal.GetReference(before));

    protected override void Give(in VBuffer<T> copy, ref VBuffer<T> value) => copy.CopyTo(ref value);

    /// <summary>Copies what the values refer to.</summary>
    /// <returns>The bytes that they hold.</returns>
    protected virtual long Own(Span<T> values) => (long)values.Length * Unsafe.SizeOf<T>();
}

/// <summary>Vectors of texts.</summary>
internal sealed class TextVectorBuffer(ValueGetter<VBuffer<ReadOnlyMemory<char>>> source)
    : VectorBuffer<ReadOnlyMemory<char>>(source)
{
    protected override long Own(Span<ReadOnlyMemory<char>> values)
    {
        long bytes = base.Own(values);
        foreach (ref var text in values) bytes += TextBuffer.Own(ref text);
        return bytes;
    }
}

/// <summary>Texts.</summary>
internal sealed class TextBuffer(ValueGetter<ReadOnlyMemory<char>> source) : ColumnBuffer<ReadOnlyMemory<char>>
{
    /// <summary>Copies the characters where they are no string's and could change.</summary>
    /// <returns>The bytes that the text holds.</returns>
    public static long Own(ref ReadOnlyMemory<char> text)
    {
        if (!text.IsEmpty && !MemoryMarshal.TryGetString(text, out _, out _, out _)) text = text.ToArray();
        return text.Length * sizeof(char);
    }

    protected override long Read(ref ReadOnlyMemory<char> copy)
    {
        source(ref copy);
        return Unsafe.SizeOf<ReadOnlyMemory<char>>() + Own(ref copy);
    }

    protected override void Give(in ReadOnlyMemory<char> copy, ref ReadOnlyMemory<char> value) => value = copy;
}

/// <summary>Images: the source may dispose of its own after the row, and a consumer of what it is given.</summary>
internal sealed class ImageBuffer(ValueGetter<MLImage> source) : ColumnBuffer<MLImage?>
{
    // Never disposed of here: the getter disposes of what it made, and an image of the user's own stays the user's.
    private MLImage? _image;

    public override Delegate CreateGetter(BatchPlace place)
    {
        var copy = (ValueGetter<MLImage?>)base.CreateGetter(place);
        MLImage? made = null;
        return (ValueGetter<MLImage?>)((ref MLImage? image) =>
        {
            // As LoadImages does: what this getter gave and is given back has had its time.
            if (made is not null && ReferenceEquals(image, made)) made.Dispose();
            copy(ref image);
            made = image;
        });
    }

    public override void Dispose()
    {
        foreach (var copy in Copies) copy?.Dispose();
    }

    protected override long Read(ref MLImage? copy)
    {
        copy?.Dispose();
        copy = null;
        source(ref _image!);
        copy = Copy(_image);
        return copy?.Pixels.Length ?? 0;
    }

    protected override void Give(in MLImage? copy, ref MLImage? value) => value = Copy(copy);

    private static MLImage? Copy(MLImage? image)
    {
        if (image is null) return null;
        var copy = MLImage.CreateFromPixels(image.Width, image.Height, image.PixelFormat, image.Pixels);
        copy.Tag = image.Tag;
        return copy;
    }
}
