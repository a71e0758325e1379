using System.IO.Compression;

namespace MLNet.Ssl.Benchmarks;

/// <summary>The images of both sides: a CIFAR-10 binary file (a label byte, then 3×32×32, per image), or noise where there is none.</summary>
internal static class Cifar10File
{
    private const int Record = 3073, Plane = 1024, NoiseImages = 10_000;

    /// <summary>The training file under the folder that MLNETSSL_DATA names, or null.</summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable("MLNETSSL_DATA") is not { Length: > 0 } folder) return null;
        var files = from place in new[] { folder, Path.Combine(folder, "cifar10"), Path.Combine(folder, "cifar-10-batches-bin") }
                    from name in new[] { "train.bin.gz", "train.bin", "data_batch_1.bin.gz", "data_batch_1.bin" }
                    select Path.Combine(place, name);
        return files.FirstOrDefault(File.Exists);
    }

    public static ImageStore Load(string? path)
    {
        var store = new ImageStore();
        var rgb = new byte[3 * Plane];
        if (path is null)
        {
            var random = new Random(0);
            for (int i = 0; i < NoiseImages; i++)
            {
                random.NextBytes(rgb);
                store.Add(rgb, 32, 32);
            }
            return store;
        }
        using var file = File.OpenRead(path);
        using Stream stream = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        var record = new byte[Record];
        while (stream.ReadAtLeast(record, Record, throwOnEndOfStream: false) == Record)
        {
            for (int i = 0; i < Plane; i++)
                for (int c = 0; c < 3; c++) rgb[3 * i + c] = record[1 + c * Plane + i];
            store.Add(rgb, 32, 32);
        }
        return store;
    }
}
