using System.IO.Compression;

namespace MLNet.Ssl.Samples;

/// <summary>
/// Real images for when no others are at hand: the first 5,000 training and 1,000 test images of Fashion-MNIST (MIT
/// licence, © Zalando SE), which this assembly holds. Their 28x28 grey pixels stand in black frames, as records of
/// CIFAR-10.
/// </summary>
public static class FashionMnist
{
    private const int Side = 28, ImagesHeader = 16, LabelsHeader = 8;

    private static readonly string[] Names =
        ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

    /// <summary>Unpacks both halves.</summary>
    public static (CifarSet Train, CifarSet Test) Read() => (Read("train"), Read("t10k"));

    private static CifarSet Read(string half)
    {
        byte[] pixels = Unzip($"{half}-images-idx3-ubyte.gz"), labels = Unzip($"{half}-labels-idx1-ubyte.gz");
        var records = new byte[(labels.Length - LabelsHeader) * CifarReader.RecordSize];
        for (var i = 0; i < labels.Length - LabelsHeader; i++)
        {
            var record = records.AsSpan(i * CifarReader.RecordSize, CifarReader.RecordSize);
            record[0] = labels[LabelsHeader + i];
            Frame(pixels.AsSpan(ImagesHeader + i * Side * Side, Side * Side), record[1..]);
        }

        return new(Names, [records]);
    }

    private static void Frame(ReadOnlySpan<byte> grey, Span<byte> planes)
    {
        const int margin = (CifarReader.Side - Side) / 2, plane = CifarReader.Side * CifarReader.Side;
        for (var y = 0; y < Side; y++)
            grey.Slice(y * Side, Side).CopyTo(planes[((y + margin) * CifarReader.Side + margin)..]);
        planes[..plane].CopyTo(planes[plane..]);
        planes[..plane].CopyTo(planes[(2 * plane)..]);
    }

    private static byte[] Unzip(string name)
    {
        using var file = typeof(FashionMnist).Assembly.GetManifestResourceStream(name)!;
        using var gzip = new GZipStream(file, CompressionMode.Decompress);
        using var unzipped = new MemoryStream();
        gzip.CopyTo(unzipped);
        return unzipped.ToArray();
    }
}
