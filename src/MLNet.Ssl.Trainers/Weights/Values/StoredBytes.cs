using System.IO.Compression;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Weights;

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

    /// <summary>An uncompressed entry of the zip archive at a path.</summary>
    public sealed class Entry(ZipArchiveEntry entry, string path) : StoredBytes(entry.Length)
    {
        public override void CopyTo(Tensor flat, long offset)
        {
            try
            {
                using var stream = entry.Open();
                Skip(stream, offset);
                flat.ReadFrom(stream);
            }
            // An entry may be of a compression that changes no length, which the archive does not tell before.
            catch (Exception e) when (e is EndOfStreamException or InvalidDataException)
            {
                throw new InvalidDataException($"'{path}' is damaged: its entry '{entry.FullName}' cannot be read: {e.Message}", e);
            }
        }

        // The stream of an entry cannot seek.
        private static void Skip(Stream stream, long bytes)
        {
            var skipped = new byte[(int)Math.Min(bytes, 1 << 16)];
            for (; bytes > 0; bytes -= skipped.Length)
            {
                if (bytes < skipped.Length) skipped = new byte[(int)bytes];
                stream.ReadExactly(skipped);
            }
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
