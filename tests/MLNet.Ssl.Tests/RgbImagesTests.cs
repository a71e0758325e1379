using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class RgbImagesTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    [InlineData("webp")]
    [InlineData("gif")]
    [InlineData("bmp")]
    public void AFileThatEndsEarlyIsRefusedAtAnyLength(string format)
    {
        string path = _folder.File("image." + format);
        byte[] bytes = Whole(format, path);
        Assert.Equal((TestImages.Size, TestImages.Size),
            (RgbImages.Decode(bytes).Width, RgbImages.Decode(bytes).Height));
        // What follows the end is no fault.
        Assert.Equal(RgbImages.Decode(bytes).Pixels.ToArray(), RgbImages.Decode([.. bytes, 0, 0]).Pixels.ToArray());
        // The checksum of a PNG's end, and the byte that ends a GIF, are missed by nobody;
        // in WebP the last byte may be padding.
        int end = format switch { "png" => 8, "jpg" => 1, "bmp" => 1, _ => 2 };
        for (int length = 0; length <= bytes.Length - end; length++)
            Assert.ThrowsAny<Exception>(() => RgbImages.Decode(bytes[..length]));
        Assert.Contains("ends early, after 60 bytes",
            Assert.Throws<InvalidDataException>(() => RgbImages.Decode(bytes[..60])).Message);
        File.WriteAllBytes(path, bytes[..^10]);
        Assert.Contains($"'{path}'", Assert.Throws<InvalidOperationException>(() => RgbImages.Load(path)).Message);
    }

    [Fact]
    public void APngWithAnEndAndTooLittleDataIsRefused()
    {
        byte[] rows = [.. Enumerable.Range(0, 16).SelectMany(y => (byte[])[0, .. TestImages.Rgb(y, 16, 1)])];
        Assert.Equal(TestImages.Rgb(0, 16, 1), RgbImages.Decode(AttackImages.Png(16, 16, rows)).Pixels[..48].ToArray());
        for (int length = 0; length < rows.Length; length++)
            Assert.Throws<InvalidDataException>(() => RgbImages.Decode(AttackImages.Png(16, 16, rows[..length])));
    }

    [Fact]
    public void AwkwardPhotosThatAreWholeAreReadAsMLNetReadsThem()
    {
        foreach (string path in Directory.GetFiles(RealData.Path("photos-awkward")))
        {
            if (Path.GetFileName(path) is "broken-header.png" or "truncated.jpg" or "truncated.png")
            {
                Assert.Contains(path, Assert.Throws<InvalidOperationException>(() => RgbImages.Load(path)).Message);
                continue;
            }
            using var expected = MLImage.CreateFromFile(path);
            var image = RgbImages.Load(path);
            Assert.Equal((expected.Width, expected.Height), (image.Width, image.Height));
            Assert.True(expected.ToRgbImage().Pixels.Span.SequenceEqual(image.Pixels.Span), path);
            var header = RgbImages.ReadHeader(File.ReadAllBytes(path));
            Assert.Equal((expected.Width, expected.Height), (header.Width, header.Height));
        }
    }

    [Fact]
    public void HeadersTellFormatSizeAndFrames()
    {
        foreach (string format in new[] { "png", "jpg", "webp", "gif", "bmp" })
        {
            string name = format switch { "jpg" => "JPEG", "webp" => "WebP", _ => format.ToUpperInvariant() };
            Assert.Equal(new(name, TestImages.Size, TestImages.Size, 1),
                RgbImages.ReadHeader(Whole(format, _folder.File("h." + format))));
        }
        // The screen grows with its frame, as it does when it is decoded.
        var grown = AttackImages.Gif(20, 10, new byte[200], screen: 5);
        Assert.Equal((20, 10), (RgbImages.ReadHeader(grown).Width, RgbImages.Decode(grown).Height));
        Assert.Equal(new("GIF", 30, 40, 3), RgbImages.ReadHeader(AttackImages.GifHeader(30, 40, 30, 40, frames: 3)));
        Assert.True(RgbImages.ReadHeader(AttackImages.Png(7000, 7000, [])).EndsEarly);
        Assert.Equal(3600, RgbImages.ReadHeader(AttackImages.GifHeader(30, 40, 30, 40, frames: 3)).Pixels);
        Assert.Throws<ArgumentException>(() => RgbImages.ReadHeader("a text of no image"u8.ToArray()));
    }

    [Fact]
    public void RefusedFilesTakeLittleMemoryAndTime()
    {
        foreach (var (name, bytes) in AttackImages.Refused()) File.WriteAllBytes(_folder.File(name + ".image"), bytes);
        FreshProcess.Run("refuse", _folder.Path);
        var measured = File.ReadAllLines(_folder.File("measured.tsv")).Select(line => line.Split('\t')).ToArray();
        foreach (var line in measured) output.WriteLine(string.Join(" | ", line));
        Assert.Equal(AttackImages.Refused().Count(), measured.Length);
        Assert.All(measured, line =>
        {
            Assert.Contains($"'{_folder.File(line[0])}' cannot be read", line[3]);
            Assert.InRange(int.Parse(line[1]), 0, 999);
            Assert.InRange(int.Parse(line[2]), 0, 63);
        });
    }

    [Fact]
    public void ALargePhotoThatEndsEarlyTakesLittleMemoryAndAWholeOneIsRead()
    {
        foreach (var (name, bytes, isWhole) in AttackImages.Large())
        {
            // The whole ones last: what a process has taken, it has taken.
            File.WriteAllBytes(_folder.File($"{(isWhole ? 2 : 1)} {name}.image"), bytes);
        }
        FreshProcess.Run("refuse", _folder.Path);
        var measured = File.ReadAllLines(_folder.File("measured.tsv")).Select(line => line.Split('\t')).ToArray();
        foreach (var line in measured) output.WriteLine(string.Join(" | ", line));
        Assert.Equal(12, measured.Length);
        Assert.All(measured, line =>
        {
            if (line[0][0] == '2')
            {
                Assert.Equal("accepted", line[3]);
                return;
            }
            Assert.Contains("ends early", line[3]);
            Assert.InRange(int.Parse(line[2]), 0, 63);
        });
    }

    /// <summary>A whole file of an image of the usual size.</summary>
    private static byte[] Whole(string format, string path)
    {
        const int side = TestImages.Size;
        if (format == "gif") return AttackImages.Gif(side, side,
            [.. TestImages.Rgb(3).Take(side * side).Select(value => (byte)(value / 2))]);
        if (format == "bmp") return AttackImages.Bmp(side, side, TestImages.Rgb(3));
        using (var image = TestImages.Image(3)) image.Save(path);
        return File.ReadAllBytes(path);
    }
}
