using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MLNet.Ssl.Data;

/// <summary>
/// Two files of an image cache: pixels one after the other, and an index that only grows, by one record an entry, once
/// the entry's pixels are there. A third one is locked: alone by who writes or deletes, shared by who reads.
/// </summary>
/// <remarks>
/// Files are read by position and not mapped: one that somebody cuts off gives an entry that is written anew, where a
/// mapped one would end the process. What is read often is in the system's memory either way.
/// </remarks>
internal sealed class CacheSegment : IDisposable
{
    public const string IndexExtension = ".index";

    private const string PixelExtension = ".pixels", LockExtension = ".lock";

    // The format's name and version, the capacity, and a hash of both.
    private const int HeaderLength = 32;
    private static readonly byte[] Magic = "MLNet.Ssl img 1\n"u8.ToArray();

    private readonly string _path;
    private readonly Lock _gate = new();
    private FileStream? _lock;
    private SafeFileHandle? _pixels, _written, _index;
    private long _pixelsEnd, _indexEnd = HeaderLength;
    private bool _isGone;

    private CacheSegment(string path, long capacity) => (_path, Capacity) = (path, capacity);

    /// <summary>Bytes that the files may have together.</summary>
    public long Capacity { get; }

    /// <summary>Whether this process writes into it.</summary>
    public bool IsOwn { get; private set; }

    /// <summary>Whether it has been read from or written to here.</summary>
    public bool IsUsed { get; private set; }

    public string Name => Path.GetFileName(_path);

    /// <summary>Time of the last use by a run.</summary>
    public DateTime LastUse => File.GetLastWriteTimeUtc(_path + IndexExtension);

    /// <summary>Makes an empty one, which is this process's own.</summary>
    public static CacheSegment Create(string folder, long capacity)
    {
        var segment = new CacheSegment(Path.Combine(folder, Guid.NewGuid().ToString("N")), capacity);
        segment.TryOwn();
        Span<byte> header = stackalloc byte[HeaderLength];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], capacity);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], XxHash3.HashToUInt64(header[..24]));
        string temporary = segment._path + ".tmp";
        File.WriteAllBytes(temporary, header);
        File.Move(temporary, segment._path + IndexExtension);
        segment.OpenForWriting();
        return segment;
    }

    /// <summary>One that is there; null if its index is none.</summary>
    public static CacheSegment? Open(string indexPath)
    {
        try
        {
            using var file = File.OpenHandle(indexPath, share: FileShare.ReadWrite | FileShare.Delete);
            Span<byte> header = stackalloc byte[HeaderLength];
            if (RandomAccess.Read(file, header, 0) < HeaderLength || !header.StartsWith(Magic)
                || BinaryPrimitives.ReadUInt64LittleEndian(header[24..]) != XxHash3.HashToUInt64(header[..24]))
                return null;
            long capacity = BinaryPrimitives.ReadInt64LittleEndian(header[16..]);
            return capacity <= 0 ? null : new(indexPath[..^IndexExtension.Length], capacity);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The records that have been added since the last call.</summary>
    public IEnumerable<CacheRecord> ReadNew()
    {
        byte[] bytes;
        try
        {
            using var file = File.OpenHandle(_path + IndexExtension, share: FileShare.ReadWrite | FileShare.Delete);
            long length = Math.Min(RandomAccess.GetLength(file), Capacity) - _indexEnd;
            bytes = new byte[Math.Clamp(length, 0, 1 << 30) / CacheRecord.Length * CacheRecord.Length];
            bytes = bytes[..(RandomAccess.Read(file, bytes, _indexEnd) / CacheRecord.Length * CacheRecord.Length)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            yield break;
        }
        for (int at = 0; at < bytes.Length; at += CacheRecord.Length, _indexEnd += CacheRecord.Length)
        {
            if (CacheRecord.Read(bytes.AsSpan(at, CacheRecord.Length), Capacity) is not { } record) continue;
            _pixelsEnd = Math.Max(_pixelsEnd, record.Offset + record.Bytes);
            yield return record;
        }
    }

    /// <summary>Reads an entry; false if it is gone or damaged.</summary>
    public bool TryRead(CacheRecord record, Span<byte> destination)
    {
        try
        {
            if (Use() is not { } pixels) return false;
            int read = 0;
            while (read < record.Bytes
                && RandomAccess.Read(pixels, destination[read..record.Bytes], record.Offset + read) is > 0 and var more)
                read += more;
            return read == record.Bytes && XxHash3.HashToUInt64(destination[..record.Bytes]) == record.Hash;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Opens it for reading, and keeps others from deleting it.</summary>
    /// <returns>Null if it is gone.</returns>
    public SafeFileHandle? Use()
    {
        if (_pixels is { } opened) return opened;
        lock (_gate)
        {
            if (_pixels is not null || _isGone) return _pixels;
            try
            {
                _lock ??= Shared();
                _pixels = File.OpenHandle(_path + PixelExtension, share: FileShare.ReadWrite | FileShare.Delete);
                IsUsed = true;
                Touch();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _isGone = true;
            }
            return _pixels;
        }
    }

    /// <summary>Takes hold of it to write, if nobody else uses it.</summary>
    public bool TryOwn()
    {
        lock (_gate)
        {
            if (IsOwn) return true;
            // Its own share would be in the way.
            bool shared = _lock is not null;
            _lock?.Dispose();
            _lock = null;
            try
            {
                _lock = new(_path + LockExtension, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (shared) _lock = Shared();
                return false;
            }
            IsOwn = true;
            return true;
        }
    }

    /// <summary>Goes on where the last writer stopped, in one that this process has taken hold of.</summary>
    public void OpenForWriting()
    {
        lock (_gate)
        {
            _written = File.OpenHandle(
                _path + PixelExtension, FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.ReadWrite | FileShare.Delete);
            _index = File.OpenHandle(
                _path + IndexExtension, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            // What a killed writer left: pixels without a record, and half a record.
            _pixelsEnd = Math.Max(_pixelsEnd, RandomAccess.GetLength(_written));
            long records =
                (RandomAccess.GetLength(_index) - HeaderLength + CacheRecord.Length - 1) / CacheRecord.Length;
            _indexEnd = HeaderLength + records * CacheRecord.Length;
            IsUsed = true;
            Touch();
        }
    }

    /// <summary>Writes an entry; null if there is no room for it.</summary>
    public CacheRecord? TryWrite(UInt128 key, int width, int height, ReadOnlySpan<byte> bytes)
    {
        long offset;
        lock (_gate)
        {
            if (!HasRoomFor(bytes.Length)) return null;
            offset = _pixelsEnd;
            _pixelsEnd += bytes.Length;
        }
        var record = new CacheRecord(key, offset, XxHash3.HashToUInt64(bytes), bytes.Length, width, height);
        RandomAccess.Write(_written!, bytes, offset);
        Span<byte> line = stackalloc byte[CacheRecord.Length];
        record.Write(line);
        lock (_gate)
        {
            RandomAccess.Write(_index!, line, _indexEnd);
            _indexEnd += CacheRecord.Length;
        }
        return record;
    }

    public bool HasRoomFor(int bytes) => _pixelsEnd + bytes + _indexEnd + 64 * CacheRecord.Length <= Capacity;

    /// <summary>Deletes it, if nobody uses it.</summary>
    public bool TryDelete()
    {
        if (IsUsed || !TryOwn()) return false;
        File.Delete(_path + IndexExtension);
        File.Delete(_path + PixelExtension);
        _isGone = true;
        Dispose();
        File.Delete(_path + LockExtension);
        return true;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _index?.Dispose();
            _written?.Dispose();
            _pixels?.Dispose();
            _lock?.Dispose();
            (_index, _written, _pixels, _lock, IsOwn) = (null, null, null, null, false);
        }
    }

    /// <summary>Null where another one writes: then it is not deleted either.</summary>
    private FileStream? Shared()
    {
        try
        {
            return new(_path + LockExtension, FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Touch()
    {
        try
        {
            File.SetLastWriteTimeUtc(_path + IndexExtension, DateTime.UtcNow);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that may only be read has nothing deleted either.
        }
    }
}

/// <summary>Where an entry is, and what.</summary>
/// <param name="Key">What it is found by.</param>
/// <param name="Offset">Where its bytes begin.</param>
/// <param name="Hash">Hash of its bytes.</param>
/// <param name="Bytes">How many they are.</param>
/// <param name="Width">Width of the image; 0 for other bytes.</param>
/// <param name="Height">Height, likewise.</param>
internal readonly record struct CacheRecord(UInt128 Key, long Offset, ulong Hash, int Bytes, int Width, int Height)
{
    public const int Length = 56;

    public void Write(Span<byte> line)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(line, Key);
        BinaryPrimitives.WriteInt64LittleEndian(line[16..], Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(line[24..], Hash);
        MemoryMarshal.Cast<byte, int>(line[32..48]).Clear();
        BinaryPrimitives.WriteInt32LittleEndian(line[32..], Bytes);
        BinaryPrimitives.WriteInt32LittleEndian(line[36..], Width);
        BinaryPrimitives.WriteInt32LittleEndian(line[40..], Height);
        BinaryPrimitives.WriteUInt64LittleEndian(line[48..], XxHash3.HashToUInt64(line[..48]));
    }

    /// <summary>Null if it is none that was written.</summary>
    public static CacheRecord? Read(ReadOnlySpan<byte> line, long capacity)
    {
        if (BinaryPrimitives.ReadUInt64LittleEndian(line[48..]) != XxHash3.HashToUInt64(line[..48])) return null;
        var record = new CacheRecord(
            BinaryPrimitives.ReadUInt128LittleEndian(line), BinaryPrimitives.ReadInt64LittleEndian(line[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(line[24..]), BinaryPrimitives.ReadInt32LittleEndian(line[32..]),
            BinaryPrimitives.ReadInt32LittleEndian(line[36..]), BinaryPrimitives.ReadInt32LittleEndian(line[40..]));
        bool isWhole = record is { Offset: >= 0, Bytes: > 0, Width: >= 0, Height: >= 0 }
            && record.Bytes <= capacity - record.Offset
            && (record.Width == 0 ? record.Height == 0 : record.Bytes == 3L * record.Width * record.Height);
        return isWhole ? record : null;
    }
}
