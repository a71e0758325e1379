namespace MLNet.Ssl.Tests;

public sealed class RgbImagesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    public void AFileThatEndsEarlyIsRefusedAtAnyLength(string format)
    {
        string path = _folder.File("image." + format);
        using (var image = TestImages.Image(3)) image.Save(path);
        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal((TestImages.Size, TestImages.Size), (RgbImages.Decode(bytes).Width, RgbImages.Decode(bytes).Height));
        // What follows the end is no fault.
        Assert.Equal(RgbImages.Decode(bytes).Pixels.ToArray(), RgbImages.Decode([.. bytes, 0, 0]).Pixels.ToArray());
        int end = format == "png" ? 8 : 1;
        for (int length = 0; length < bytes.Length - end; length += 7)
            Assert.ThrowsAny<Exception>(() => RgbImages.Decode(bytes[..length]));
        Assert.Contains("ends early, after 60 bytes", Assert.Throws<InvalidDataException>(() => RgbImages.Decode(bytes[..60])).Message);
        File.WriteAllBytes(path, bytes[..^10]);
        Assert.Contains($"'{path}'", Assert.Throws<InvalidOperationException>(() => RgbImages.Load(path)).Message);
    }

    [Fact]
    public void AwkwardPhotosThatAreWholeAreRead()
    {
        foreach (string path in Directory.GetFiles(RealData.Path("photos-awkward")))
        {
            if (Path.GetFileName(path) is "broken-header.png" or "truncated.jpg" or "truncated.png")
                Assert.Contains(path, Assert.Throws<InvalidOperationException>(() => RgbImages.Load(path)).Message);
            else Assert.InRange(RgbImages.Load(path).Width, 1, 100_000);
        }
    }
}
