namespace MLNet.Ssl.Tests;

/// <summary>The folder of decoded images: shared, cut off, damaged and full.</summary>
public sealed class ImageCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlnet-ssl-cache-").FullName;
    private readonly List<string> _warnings = [];
    private readonly PixelBuffer _buffer = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private OpenImageCache Open(long maxBytes = 64 << 20) =>
        OpenImageCache.Open(new(_folder) { MaxBytes = maxBytes }, _warnings.Add);

    private static RgbImage Image(int seed, int width = 40, int height = 30)
    {
        var pixels = new byte[3 * width * height];
        new Random(seed).NextBytes(pixels);
        return new(pixels, width, height);
    }

    private bool Has(OpenImageCache cache, int seed, int width = 40, int height = 30) =>
        cache.TryReadImage((UInt128)seed, _buffer, out var image)
            && (image.Width, image.Height) == (width, height)
            && image.Pixels.Span.SequenceEqual(Image(seed, width, height).Pixels.Span);

    private string[] Files(string extension) => [.. Directory.GetFiles(_folder, "*" + extension).Order()];

    private long Size => Directory.GetFiles(_folder).Sum(path => new FileInfo(path).Length);

    [Fact]
    public void WhatWasAddedIsReadByThisRunAndTheNext()
    {
        using (var cache = Open())
        {
            Assert.False(Has(cache, 1));
            for (int i = 1; i <= 20; i++) Assert.True(cache.TryAddImage((UInt128)i, Image(i)));
            Assert.True(cache.TryAddFile(100, [1, 2, 3]));
            Assert.All(Enumerable.Range(1, 20), i => Assert.True(Has(cache, i)));
        }
        using var later = Open();
        Assert.All(Enumerable.Range(1, 20), i => Assert.True(Has(later, i)));
        Assert.True(later.TryReadFile(100, _buffer, out var file));
        Assert.Equal([1, 2, 3], file.ToArray());
        // One is not the other.
        Assert.False(later.TryReadFile(1, _buffer, out _));
        Assert.False(later.TryReadImage(100, _buffer, out _));
        // The second run goes on in the first one's files.
        Assert.True(later.TryAddImage(21, Image(21)));
        Assert.Single(Files(".index"));
        Assert.Empty(_warnings);
    }

    [Fact]
    public void RunsAtTheSameTimeSeeEachOthersImages()
    {
        using OpenImageCache one = Open(), other = Open();
        Parallel.For(1, 200, i => Assert.True((i % 2 == 0 ? one : other).TryAddImage((UInt128)i, Image(i))));
        // Each looks every two seconds for what others have added.
        Assert.True(SpinWait.SpinUntil(() => Enumerable.Range(1, 199).All(i => Has(one, i) && Has(other, i)),
            TimeSpan.FromMinutes(1)));
        using var third = Open();
        Parallel.For(1, 200, i => Assert.True(third.TryReadImage((UInt128)i, new(), out var image)
            && image.Pixels.Span.SequenceEqual(Image(i).Pixels.Span)));
    }

    [Fact]
    public void WhatIsDamagedIsWrittenAnew()
    {
        using (var cache = Open())
            for (int i = 1; i <= 10; i++) Assert.True(cache.TryAddImage((UInt128)i, Image(i)));
        int length = 3 * 40 * 30;
        var pixels = File.ReadAllBytes(Files(".pixels")[0]);
        pixels[3 * length + 17] ^= 1;
        File.WriteAllBytes(Files(".pixels")[0], pixels[..(8 * length - 1)]);
        using (var cache = Open())
        {
            Assert.Equal([1, 2, 3, 5, 6, 7], Enumerable.Range(1, 10).Where(i => Has(cache, i)));
            foreach (int i in new[] { 4, 8, 9, 10 }) Assert.True(cache.TryAddImage((UInt128)i, Image(i)));
            Assert.All(Enumerable.Range(1, 10), i => Assert.True(Has(cache, i)));
            // While it is open, too: a file that is cut off is no file that ends the process.
            foreach (string path in Files(".pixels"))
                using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                    file.SetLength(length);
            Assert.Equal([1], Enumerable.Range(1, 10).Where(i => Has(cache, i)));
            for (int i = 2; i <= 10; i++) Assert.True(cache.TryAddImage((UInt128)i, Image(i)));
            Assert.All(Enumerable.Range(1, 10), i => Assert.True(Has(cache, i)));
        }
        using var later = Open();
        Assert.All(Enumerable.Range(1, 10), i => Assert.True(Has(later, i)));
        Assert.Empty(_warnings);
    }

    [Fact]
    public void AnIndexThatWasCutOffKeepsItsWholeRecords()
    {
        using (var cache = Open())
            for (int i = 1; i <= 4; i++) Assert.True(cache.TryAddImage((UInt128)i, Image(i)));
        string index = Files(".index")[0];
        var bytes = File.ReadAllBytes(index);
        for (int length = bytes.Length; length >= 0; length -= 5)
        {
            File.WriteAllBytes(index, bytes[..length]);
            int whole = Math.Max(0, (length - 32) / CacheRecord.Length);
            using (var cache = Open())
                Assert.Equal(Enumerable.Range(1, whole), Enumerable.Range(1, 4).Where(i => Has(cache, i)));
        }
        // What is written behind half a record is found.
        File.WriteAllBytes(index, bytes[..(32 + CacheRecord.Length + 20)]);
        using (var cache = Open()) Assert.True(cache.TryAddImage(9, Image(9)));
        using (var cache = Open()) Assert.True(Has(cache, 1) && Has(cache, 9) && !Has(cache, 2));
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            var damaged = (byte[])bytes.Clone();
            for (int n = 0; n < 3; n++) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(index, damaged);
            using var cache = Open();
            for (int key = 1; key <= 4; key++)
                Assert.True(!cache.TryReadImage((UInt128)key, _buffer, out var image)
                    || image.Pixels.Span.SequenceEqual(Image(key).Pixels.Span));
        }
    }

    [Fact]
    public void TheFolderKeepsItsBudgetAndWhatIsInUse()
    {
        const long Budget = 1 << 20;
        const int Each = 3 * 100 * 100;
        using (var cache = Open(Budget))
        {
            int added = Enumerable.Range(1, 60).Count(i => cache.TryAddImage((UInt128)i, Image(i, 100, 100)));
            Assert.InRange(added, Budget / Each * 3 / 4, Budget / Each);
            Assert.All(Enumerable.Range(1, added), i => Assert.True(Has(cache, i, 100, 100)));
            Assert.InRange(Size, added * Each, Budget);
            Assert.Contains("is full", Assert.Single(_warnings));
            _warnings.Clear();
            // What another run uses is not taken from it.
            using var second = Open(Budget);
            Assert.True(Has(second, 2, 100, 100));
            Assert.False(second.TryAddImage(1000, Image(1000, 100, 100)));
        }
        _warnings.Clear();
        using (var cache = Open(Budget))
        {
            Assert.True(Has(cache, 1, 100, 100));
            // All but that makes room for what is new.
            Assert.All(Enumerable.Range(101, 20), i => Assert.True(cache.TryAddImage((UInt128)i, Image(i, 100, 100))));
            Assert.True(Has(cache, 1, 100, 100));
            Assert.All(Enumerable.Range(101, 20), i => Assert.True(Has(cache, i, 100, 100)));
            Assert.InRange(Size, 0, Budget);
            // Larger than the parts that room is made in.
            Assert.True(cache.TryAddImage(500, Image(500, 300, 200)) || _warnings.Count == 1);
            Assert.False(cache.TryAddImage(501, Image(501, 1000, 1000)));
        }
        using var third = Open(Budget);
        Assert.Equal(20, Enumerable.Range(101, 20).Count(i => Has(third, i, 100, 100)));
    }

    [Fact]
    public void AFolderThatIsTakenAwayCostsNoMoreThanTime()
    {
        using (var cache = Open(1 << 20))
        {
            Assert.True(cache.TryAddImage(1, Image(1)));
            Directory.Delete(_folder, recursive: true);
            for (int i = 2; i < 400; i++)
            {
                cache.TryAddImage((UInt128)i, Image(i));
                Has(cache, i);
            }
            Assert.Single(_warnings);
        }
        File.WriteAllText(_folder, "a file");
        Assert.Contains("ImageCache.Folder", Assert.Throws<IOException>(() => Open()).Message);
        File.Delete(_folder);
        Directory.CreateDirectory(_folder);
        Assert.Contains("ImageCache.MaxBytes is 5", Assert.Throws<ArgumentOutOfRangeException>(() => Open(5)).Message);
        Assert.ThrowsAny<ArgumentException>(() => new ImageCache(" ").Validate());
    }

    [Fact]
    public void AStoreSpillsWhatMemoryHasNoRoomFor()
    {
        using var cache = Open();
        var images = Enumerable.Range(1, 30).Select(i => Image(i, 40 + i, 90)).ToArray();
        IImageSource whole = new ImageStore(60), spilling = new ImageStore(60, 100_000, () => cache);
        foreach (var image in images)
        {
            ((ImageStore)whole).Add(image.Pixels.Span, image.Width, image.Height);
            ((ImageStore)spilling).Add(image.Pixels.Span, image.Width, image.Height);
        }
        Assert.InRange(((ImageStore)spilling).Bytes, 1, 100_000);
        Assert.True(((ImageStore)whole).Bytes > 100_000);
        Assert.Equal(whole.Fingerprint, spilling.Fingerprint);
        for (int i = 0; i < 30; i++)
        {
            var (expected, actual) = (((ImageStore)whole)[i], spilling.Read(i, _buffer));
            Assert.Equal((expected.Width, expected.Height, whole.ShorterSide(i)),
                (actual.Width, actual.Height, spilling.ShorterSide(i)));
            Assert.True(expected.Pixels.Span.SequenceEqual(actual.Pixels.Span)
                && expected.Pixels.Span.SequenceEqual(((ImageStore)spilling)[i].Pixels.Span));
        }
        File.Delete(Files(".pixels")[0]);
        File.WriteAllBytes(_folder + "/x", []);
        var full =
            new ImageStore(60, 100, () => OpenImageCache.Open(new(_folder) { MaxBytes = 1 << 20 }, _warnings.Add));
        Assert.Contains("MaxImageMemory, 100 bytes", Assert.Throws<InvalidOperationException>(() =>
        {
            for (int i = 0; i < 400; i++) full.Add(Image(i, 60, 60).Pixels.Span, 60, 60);
        }).Message);
    }
}
