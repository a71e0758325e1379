using System.Security.Cryptography;
using MLNet.Ssl.Images;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Data;

/// <summary>SHA-256 of what is written to a stream.</summary>
internal static class Checksum
{
    private const long SampledBytes = 64 << 20;

    /// <summary>The hash in hexadecimal digits.</summary>
    public static string Of(Action<Stream> write)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write)) write(stream);
        return Convert.ToHexString(sha.Hash!);
    }

    /// <summary>
    /// Of the images: all of them up to 64 MiB, of more every second, third … one, so that it takes a moment at most.
    /// </summary>
    public static string Of(IImageSource images, long bytes) => Of(stream =>
    {
        using var writer = new BinaryWriter(stream);
        var buffer = new PixelBuffer();
        for (int i = 0; i < images.Count; i += Stride(bytes))
        {
            var image = images.Read(i, buffer);
            writer.Write(image.Width);
            writer.Write(image.Height);
            writer.Write(image.Pixels.Span);
        }
    });

    /// <summary>Of rows (N, columns), likewise.</summary>
    public static string Of(Tensor rows) => Of(stream =>
    {
        using var scope = NewDisposeScope();
        rows.slice(0, 0, rows.size(0), Stride(rows.numel() * sizeof(float))).WriteTo(stream);
    });

    /// <summary>Every which one of rows of so many bytes together is looked at.</summary>
    public static int Stride(long bytes) => (int)Math.Max(1, (bytes + SampledBytes - 1) / SampledBytes);
}
