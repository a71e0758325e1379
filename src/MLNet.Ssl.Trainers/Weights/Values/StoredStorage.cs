using static TorchSharp.torch;

namespace MLNet.Ssl.Weights;

/// <summary>A storage of PyTorch: elements in a row, which tensors are views into.</summary>
internal sealed class StoredStorage(ElementType type, long count, StoredBytes? bytes = null)
{
    // Keys are numbers or addresses in digits.
    private const int MaxKey = 64;

    private readonly StoredStorage? _root;
    private readonly long _start;

    private StoredStorage(StoredStorage root, long start, long count) : this(root.Type, count) =>
        (_root, _start) = (root, start);

    public ElementType Type => type;

    public long Count => count;

    /// <summary>Where the elements are; the legacy format tells after all tensors.</summary>
    public StoredBytes? Bytes { get; set; } = bytes;

    public static void CheckKey(string key)
    {
        if (key.Length > MaxKey)
            throw new InvalidDataException($"a storage's key has {key.Length} characters; expected at most {MaxKey}.");
    }

    public StoredStorage View(long start, long viewCount) =>
        start >= 0 && viewCount >= 0 && start <= count - viewCount
            ? new(this, start, viewCount)
            : throw new InvalidDataException(
                $"a view of {viewCount} elements from {start} on leaves its storage of {count}.");

    /// <summary>Fills a flat tensor with the elements from <paramref name="first"/> on.</summary>
    public void CopyTo(Tensor flat, long first)
    {
        if (_root is not null) _root.CopyTo(flat, _start + first);
        else Bytes!.CopyTo(flat, first * type.Size);
    }
}
