using System.IO.Compression;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>A run of bytes in an open file.</summary>
internal abstract class StoredBytes(long length)
{
    public long Length => length;

    /// <summary>Fills a flat tensor with the bytes from <paramref name="offset"/> on.</summary>
    public abstract void CopyTo(Tensor flat, long offset);

    /// <summary>Bytes of the file as they are.</summary>
    public sealed class Region(Stream file, long start, long length) : StoredBytes(length)
    {
        public override void CopyTo(Tensor flat, long offset)
        {
            file.Position = start + offset;
            flat.ReadFrom(file);
        }
    }

    /// <summary>An uncompressed entry of a zip archive.</summary>
    public sealed class Entry(ZipArchiveEntry entry) : StoredBytes(entry.Length)
    {
        public override void CopyTo(Tensor flat, long offset)
        {
            using var stream = entry.Open();
            // The stream of an entry cannot seek.
            var skipped = new byte[(int)Math.Min(offset, 1 << 16)];
            for (; offset > 0; offset -= skipped.Length)
            {
                if (offset < skipped.Length) skipped = new byte[(int)offset];
                stream.ReadExactly(skipped);
            }
            flat.ReadFrom(stream);
        }
    }

    /// <summary>Bytes that the pickle itself held.</summary>
    public sealed class Memory(byte[] bytes) : StoredBytes(bytes.Length)
    {
        public override void CopyTo(Tensor flat, long offset)
        {
            using var stream = new MemoryStream(bytes, writable: false) { Position = offset };
            flat.ReadFrom(stream);
        }
    }
}
