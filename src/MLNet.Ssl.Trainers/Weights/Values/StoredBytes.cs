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
                throw new InvalidDataException(
                    $"'{path}' is damaged: its entry '{entry.FullName}' cannot be read: {e.Message}", e);
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

    /// <summary>Tensors one after the other, zeros where a part has none; read as a whole.</summary>
    public sealed class Joined(IReadOnlyList<(StoredTensor? Tensor, long Count)> parts, int size)
        : StoredBytes(parts.Sum(p => p.Count) * size)
    {
        /// <summary>Bytes that are in the file.</summary>
        public Int128 Stored => parts.Aggregate((Int128)0, (sum, part) => sum + (part.Tensor?.Bytes ?? 0));

        public override void CopyTo(Tensor flat, long offset)
        {
            if (offset != 0 || flat.numel() * size != Length)
                throw new InvalidOperationException("Joined tensors are read as a whole.");
            long at = 0;
            foreach (var (tensor, count) in parts)
            {
                using var scope = NewDisposeScope();
                var part = flat.narrow(0, at, count);
                if (tensor is null) part.zero_();
                else part.copy_(tensor.Read().reshape(-1));
                at += count;
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
