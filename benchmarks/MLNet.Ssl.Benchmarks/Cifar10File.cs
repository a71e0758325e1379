using System.IO.Compression;

namespace MLNet.Ssl.Benchmarks;

/// <summary>The images of both sides: a CIFAR-10 binary file (a label byte, then 3×32×32, per image), or
/// noise where there is none.</summary>
internal static class Cifar10File
{
    public const int Classes = 10;

    private const int Record = 3073, Plane = 1024, NoiseImages = 10_000;

    /// <summary>The training file under the folder that MLNETSSL_DATA names, or null.</summary>
    public static string? Find() => Find(["train.bin.gz", "train.bin", "data_batch_1.bin.gz", "data_batch_1.bin"]);

    /// <summary>The test file there, or null.</summary>
    public static string? FindTest() => Find(["test.bin.gz", "test.bin", "test_batch.bin.gz", "test_batch.bin"]);

    public static ImageStore Load(string? path)
    {
        if (path is not null) return Read(path).Images;
        var store = new ImageStore();
        var rgb = new byte[3 * Plane];
        var random = new Random(0);
        for (int i = 0; i < NoiseImages; i++)
        {
            random.NextBytes(rgb);
            store.Add(rgb, 32, 32);
        }
        return store;
    }

    /// <summary>The first images of a file with their labels, all where it has no more.</summary>
    public static (ImageStore Images, long[] Labels) Read(string path, int most = int.MaxValue)
    {
        var store = new ImageStore();
        var labels = new List<long>();
        var rgb = new byte[3 * Plane];
        using var file = File.OpenRead(path);
        using Stream stream = path.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionMode.Decompress) : file;
        var record = new byte[Record];
        while (labels.Count < most && stream.ReadAtLeast(record, Record, throwOnEndOfStream: false) == Record)
        {
            if (record[0] >= Classes)
                throw new InvalidDataException(
                    $"{path}: record {labels.Count} has label {record[0]}: expected 0 to {Classes - 1}");
            for (int i = 0; i < Plane; i++)
                for (int c = 0; c < 3; c++) rgb[3 * i + c] = record[1 + c * Plane + i];
            store.Add(rgb, 32, 32);
            labels.Add(record[0]);
        }
        return (store, [.. labels]);
    }

    private static string? Find(string[] names)
    {
        if (Environment.GetEnvironmentVariable("MLNETSSL_DATA") is not { Length: > 0 } folder) return null;
        var files = from place in new[] { folder, Path.Combine(folder, "cifar10"),
            Path.Combine(folder, "cifar-10-batches-bin") }
                    from name in names
                    select Path.Combine(place, name);
        return files.FirstOrDefault(File.Exists);
    }
}
