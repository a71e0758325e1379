namespace MLNet.Ssl.Tests;

public sealed class ImageStoreTests
{
    [Fact]
    public void Add_ManyImages_KeepsEveryPixel()
    {
        var store = new ImageStore();
        var images = Enumerable.Range(0, 300).Select(i => Images.Random(50 + i % 7, 60 + i % 11, i)).ToArray();
        foreach (var image in images) store.Add(image.Pixels.Span, image.Width, image.Height);

        Assert.Equal(images.Length, store.Count);
        for (int i = 0; i < images.Length; i++)
        {
            Assert.Equal((images[i].Width, images[i].Height), (store[i].Width, store[i].Height));
            Assert.True(images[i].Pixels.Span.SequenceEqual(store[i].Pixels.Span), $"image {i}");
        }
        Assert.InRange(store.Bytes, images.Sum(i => (long)i.Pixels.Length), 2 * images.Sum(i => (long)i.Pixels.Length));
    }

    [Fact]
    public void Add_ImageAboveTheBlockSize_GetsItsOwnBlock()
    {
        var store = new ImageStore();
        var large = Images.Random(1000, 700, 1);
        var small = Images.Random(3, 2, 2);
        store.Add(small.Pixels.Span, 3, 2);
        store.Add(large.Pixels.Span, 1000, 700);
        store.Add(small.Pixels.Span, 3, 2);
        Assert.True(large.Pixels.Span.SequenceEqual(store[1].Pixels.Span));
        Assert.True(small.Pixels.Span.SequenceEqual(store[2].Pixels.Span));
    }

    [Fact]
    public void MaxShorterSide_ShrinksLargerImagesAndNeverEnlarges()
    {
        var store = new ImageStore(maxShorterSide: 32);
        store.Add(Images.Random(101, 64, 1).Pixels.Span, 101, 64);
        store.Add(Images.Random(64, 101, 2).Pixels.Span, 64, 101);
        store.Add(Images.Random(200, 32, 3).Pixels.Span, 200, 32);
        store.Add(Images.Random(5, 9, 4).Pixels.Span, 5, 9);
        Assert.Equal([(50, 32), (32, 50), (200, 32), (5, 9)],
            Enumerable.Range(0, 4).Select(i => (store[i].Width, store[i].Height)));

        var image = Images.Random(101, 64, 1);
        var shrunk = new PlanarImage();
        new Resampler().Resize(image, image.Whole(), 50, 32, Interpolation.Bicubic, flip: false, shrunk);
        Assert.True(shrunk.ToImage().Pixels.Span.SequenceEqual(store[0].Pixels.Span));
    }

    [Fact]
    public void BadArguments_AreRefusedWithWhatWasExpected()
    {
        var store = new ImageStore();
        Assert.Contains("has 18 bytes (3 a pixel, no row padding), got 17",
            Assert.Throws<ArgumentException>(() => store.Add(new byte[17], 3, 2)).Message);
        Assert.Contains("0×2 pixels is empty", Assert.Throws<ArgumentException>(() => store.Add([], 0, 2)).Message);
        Assert.Contains("maxShorterSide is 0; allowed is at least 1",
            Assert.Throws<ArgumentOutOfRangeException>(() => new ImageStore(0)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => store[0]);
        Assert.Equal(0, store.Count);
    }
}
