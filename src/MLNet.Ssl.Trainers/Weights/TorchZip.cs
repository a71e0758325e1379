using System.IO.Compression;
using System.Text;

namespace MLNet.Ssl.Weights;

/// <summary>
/// torch.save since PyTorch 1.6: a zip archive with NAME/data.pkl, NAME/data/KEY for each storage and, since 2.0,
/// NAME/byteorder. Entries are not compressed.
/// </summary>
internal static class TorchZip
{
    private const string Pickle = "data.pkl";
    private const int MaxPickle = 64 << 20;

    public static object? Read(ZipArchive archive, string path)
    {
        var entries = new Dictionary<string, ZipArchiveEntry>();
        foreach (var entry in archive.Entries)
            if (!entries.TryAdd(entry.FullName, entry))
                throw new InvalidDataException($"the archive has two entries '{entry.FullName}'.");
        string folder = Folder(entries.Keys);
        if (entries.ContainsKey(folder + "constants.pkl"))
            throw new InvalidDataException("it is a TorchScript program; expected a checkpoint of weights.");
        if (entries.TryGetValue(folder + "byteorder", out var order)
            && Encoding.ASCII.GetString(Bytes(order, 16)) is not "little" and var other)
            throw new InvalidDataException($"its byte order is '{other}'; expected little.");
        using var pickle = new MemoryStream(Bytes(entries[folder + Pickle], MaxPickle), writable: false);
        string data = $"{folder}data/";
        // Under their keys alone: a pickle may ask for a storage as often as it has opcodes.
        var storages = entries.Where(entry => entry.Key.StartsWith(data, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key[data.Length..], entry =>
                new Lazy<StoredBytes>(() => Stored(entry.Value, path)));
        return Unpickler.Load(pickle, id => Storage(id, storages));
    }

    private static string Folder(IEnumerable<string> names)
    {
        var folders = names.Where(n => n == Pickle || n.EndsWith("/" + Pickle, StringComparison.Ordinal))
            .Select(n => n[..^Pickle.Length]).Take(2).ToList();
        return folders.Count == 1 ? folders[0] : throw new InvalidDataException(
            $"the archive has {(folders.Count == 0 ? "no" : "more than one")} {Pickle}.");
    }

    /// <summary>The id is ('storage', type, key, location, number of elements).</summary>
    private static object Storage(object? id, Dictionary<string, Lazy<StoredBytes>> storages)
    {
        // Of an element type that no weights have.
        if (id is object?[] and ["storage", OpaqueValue unknown, ..]) return unknown;
        if (id is not object?[] parts || parts is not ["storage", ElementType type, string key, _, long count])
            throw new InvalidDataException("a storage is not described by type, key, location and number of elements.");
        StoredStorage.CheckKey(key);
        if (!storages.TryGetValue(key, out var entry))
            throw new InvalidDataException($"the storage 'data/{key}' is missing.");
        var bytes = entry.Value;
        if (count < 0 || (Int128)count * type.Size > bytes.Length)
            throw new InvalidDataException($"the storage 'data/{key}' has {bytes.Length} bytes; its {count} elements "
                + $"need {(Int128)count * type.Size}.");
        return new StoredStorage(type, count, bytes);
    }

    private static StoredBytes.Entry Stored(ZipArchiveEntry entry, string path)
    {
        CheckStored(entry);
        return new(entry, path);
    }

    private static byte[] Bytes(ZipArchiveEntry entry, int most)
    {
        CheckStored(entry);
        if (entry.Length > most) throw new InvalidDataException(
            $"the entry '{entry.FullName}' has {entry.Length} bytes; at most {most} are read.");
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>So the file's length bounds what is read from it.</summary>
    private static void CheckStored(ZipArchiveEntry entry)
    {
        if (entry.Length < 0 || entry.Length > entry.CompressedLength)
            throw new InvalidDataException(
                $"the entry '{entry.FullName}' is compressed; PyTorch writes entries uncompressed.");
        // Opening checks the entry's own header before a tensor is read.
        entry.Open().Dispose();
    }
}
