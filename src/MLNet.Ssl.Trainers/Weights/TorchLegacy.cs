using System.Buffers.Binary;
using System.Numerics;

namespace MLNet.Ssl.Weights;

/// <summary>
/// torch.save before PyTorch 1.6: pickles of a magic number, the protocol, facts about the system, the object and the
/// storages' keys; then for each key the number of elements (8 bytes) and the elements.
/// </summary>
internal static class TorchLegacy
{
    private const long Protocol = 1001;
    private static readonly BigInteger Magic = BigInteger.Parse("119547037146038801333356");

    public static object? Read(Stream file)
    {
        if (Unpickler.Load(file, Unpickler.NoStorages) is not BigInteger magic || magic != Magic)
            throw new InvalidDataException(
                "it is a pickle but no PyTorch checkpoint: the magic number is missing. Nothing was executed.");
        if (Unpickler.Load(file, Unpickler.NoStorages) is not Protocol)
            throw new InvalidDataException($"its protocol is not {Protocol}.");
        if (Unpickler.Load(file, Unpickler.NoStorages) is not Dictionary<string, object?> system
            || !system.TryGetValue("little_endian", out var little)
            || little is not true)
            throw new InvalidDataException("its byte order is not little-endian.");
        var storages = new Dictionary<string, StoredStorage>();
        var root = Unpickler.Load(file, id => Storage(id, storages, file.Length));
        if (Unpickler.Load(file, Unpickler.NoStorages) is not IReadOnlyList<object?> keys)
            throw new InvalidDataException("the list of its storages is missing.");
        Locate(file, keys, storages);
        return root;
    }

    /// <summary>The id is ('storage', type, key, location, number of elements, null or (key, start, number
    /// of elements) of a view).</summary>
    private static StoredStorage Storage(object? id, Dictionary<string, StoredStorage> storages, long fileLength)
    {
        if (id is not object?[] parts
            || parts is not ["storage", ElementType type, string key, _, long count, var view])
            throw new InvalidDataException(
                "a storage is not described by type, key, location, number of elements and view.");
        StoredStorage.CheckKey(key);
        if (count < 0 || (Int128)count * type.Size > fileLength)
            throw new InvalidDataException(
                $"the storage '{key}' is said to have {count} elements, more than the file's {fileLength} bytes.");
        if (!storages.TryGetValue(key, out var storage)) storages.Add(key, storage = new(type, count));
        if (storage.Type != type || storage.Count != count)
            throw new InvalidDataException($"the storage '{key}' is described in two ways.");
        return view switch
        {
            null => storage,
            object?[] and [string, long start, long length] => storage.View(start, length),
            _ => throw new InvalidDataException(
                $"a view of the storage '{key}' is not described by key, start and number of elements."),
        };
    }

    private static void Locate(Stream file, IReadOnlyList<object?> keys, Dictionary<string, StoredStorage> storages)
    {
        var count = new byte[8];
        foreach (var item in keys)
        {
            if (item is not string key || !storages.TryGetValue(key, out var storage) || storage.Bytes is not null)
                throw new InvalidDataException("the list of its storages does not fit its tensors.");
            if (file.Length - file.Position < count.Length)
                throw new InvalidDataException($"the file ends before the storage '{key}'.");
            file.ReadExactly(count);
            if (BinaryPrimitives.ReadInt64LittleEndian(count) is var stored && stored != storage.Count)
                throw new InvalidDataException(
                    $"the storage '{key}' has {stored} elements; its tensors say {storage.Count}.");
            long length = storage.Count * storage.Type.Size;
            if (file.Length - file.Position < length)
                throw new InvalidDataException($"the file ends inside the storage '{key}'.");
            storage.Bytes = new StoredBytes.Region(file, file.Position, length);
            file.Position += length;
        }
        foreach (var (key, storage) in storages)
            if (storage.Bytes is null) throw new InvalidDataException($"the storage '{key}' is missing.");
    }
}
