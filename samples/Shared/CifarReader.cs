using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Samples;

/// <summary>A row of the data set: what ML.NET sees.</summary>
public sealed class CifarImage
{
    [ImageType(CifarReader.Side, CifarReader.Side)]
    public MLImage Image { get; set; } = null!;

    public string Label { get; set; } = "";
}

/// <summary>Images kept as the records of the CIFAR-10 binary format; rows are made when they are asked for.</summary>
/// <param name="names">Class names; a label byte is a position in it.</param>
/// <param name="parts">Runs of whole records of <see cref="CifarReader.RecordSize"/> bytes.</param>
public sealed class CifarSet(IReadOnlyList<string> names, IReadOnlyList<byte[]> parts)
{
    public IReadOnlyList<string> Names => names;

    public int Count => parts.Sum(part => part.Length / CifarReader.RecordSize);

    /// <summary>The rows in file order, new objects on every pass.</summary>
    public IEnumerable<CifarImage> Rows()
    {
        foreach (var part in parts)
            for (var at = 0; at < part.Length; at += CifarReader.RecordSize)
                yield return new CifarImage
                {
                    Image = ToImage(part.AsSpan(at + 1, CifarReader.RecordSize - 1)),
                    Label = names[part[at]],
                };
    }

    private static MLImage ToImage(ReadOnlySpan<byte> planes)
    {
        const int size = CifarReader.Side * CifarReader.Side;
        Span<byte> pixels = stackalloc byte[size * 4];
        for (var i = 0; i < size; i++)
        {
            pixels[i * 4] = planes[i + 2 * size];
            pixels[i * 4 + 1] = planes[i + size];
            pixels[i * 4 + 2] = planes[i];
            pixels[i * 4 + 3] = byte.MaxValue;
        }

        return MLImage.CreateFromPixels(CifarReader.Side, CifarReader.Side, MLPixelFormat.Bgra32, pixels);
    }
}

/// <summary>
/// Reads the original CIFAR-10 binary format: per image one label byte, then 1,024 red, 1,024 green and 1,024 blue
/// bytes.
/// </summary>
public static class CifarReader
{
    public const int Side = 32, RecordSize = 1 + 3 * Side * Side, ClassCount = 10;

    private static readonly string[] DefaultNames =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    private static readonly (string[] Train, string Test)[] Layouts =
        [(["train.bin"], "test.bin"),
            ([.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")], "test_batch.bin")];

    /// <summary>
    /// Reads both halves from a folder, or from its cifar10 or cifar-10-batches-bin folder; every file plain or with
    /// .gz behind its name.
    /// </summary>
    public static (CifarSet Train, CifarSet Test) Read(string folder)
    {
        foreach (var place in Places(folder))
            foreach (var (train, test) in Layouts)
                if (Locate(place, train[0]) is not null)
                {
                    var names = ReadNames(place);
                    return (new CifarSet(names, [.. train.Select(name => ReadFile(place, name))]),
                        new CifarSet(names, [ReadFile(place, test)]));
                }

        throw new FileNotFoundException(
            $"{folder}: no CIFAR-10 here: expected train.bin and test.bin, or data_batch_1.bin to data_batch_5.bin "
                + "and test_batch.bin (each plain or .gz)");
    }

    /// <summary>Whether <see cref="Read"/> would find training files.</summary>
    public static bool Exists(string folder) =>
        Places(folder).Any(place => Layouts.Any(layout => Locate(place, layout.Train[0]) is not null));

    private static IEnumerable<string> Places(string folder) =>
        [folder, Path.Combine(folder, "cifar10"), Path.Combine(folder, "cifar-10-batches-bin")];

    private static string? Locate(string folder, string name) =>
        new[] { name, name + ".gz" }.Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists);

    private static byte[] ReadFile(string folder, string name)
    {
        var path = Locate(folder, name) ?? throw new FileNotFoundException($"{folder}: expected {name} or {name}.gz");
        var records = path.EndsWith(".gz") ? Unzip(path) : File.ReadAllBytes(path);
        if (records.Length == 0 || records.Length % RecordSize != 0)
            throw new InvalidDataException(
                $"{path}: {records.Length} bytes, record {records.Length / RecordSize} is incomplete: expected whole "
                    + $"records of {RecordSize} bytes");
        for (var at = 0; at < records.Length; at += RecordSize)
            if (records[at] >= ClassCount)
                throw new InvalidDataException(
                    $"{path}: record {at / RecordSize} has label {records[at]}: expected 0 to {ClassCount - 1}");
        return records;
    }

    private static byte[] Unzip(string path)
    {
        using var file = File.OpenRead(path);
        using var unzipped = new MemoryStream();
        try
        {
            using var gzip = new GZipStream(file, CompressionMode.Decompress);
            gzip.CopyTo(unzipped);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException(
                $"{path}: damaged gzip data in record {unzipped.Length / RecordSize}: expected a whole gzip file "
                    + $"({error.Message})", error);
        }

        return unzipped.ToArray();
    }

    private static IReadOnlyList<string> ReadNames(string folder)
    {
        var path = new[] { "labels.txt", "batches.meta.txt" }.Select(name => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
        if (path is null) return DefaultNames;
        string[] names = [.. File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)];
        return names.Length == ClassCount ? names
            : throw new InvalidDataException($"{path}: {names.Length} class names: expected {ClassCount}, one a line");
    }
}
