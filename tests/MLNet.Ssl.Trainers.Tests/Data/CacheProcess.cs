using System.Diagnostics;

namespace MLNet.Ssl.Tests;

/// <summary>
/// The test program as a process that uses an image cache: <c>cache fill folder</c> writes images on several threads
/// until it is killed, <c>cache share folder bytes number</c> reads and writes as a run does for some seconds, or until
/// it has found the images of all.
/// </summary>
internal static class CacheProcess
{
    /// <summary>Images that processes share.</summary>
    public const int Shared = 120;

    private const int Writers = 2;

    /// <summary>The folder has room for them.</summary>
    public const long RoomForAll = 64 << 20;

    private static readonly TimeSpan Sharing = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromMinutes(2);

    public static int Run(string[] task) => task switch
    {
        ["fill", var folder] => Fill(folder),
        ["share", var folder, var bytes, var number] => Share(folder, long.Parse(bytes), int.Parse(number)),
        _ => throw new ArgumentException(string.Join(' ', task)),
    };

    /// <summary>Starts one.</summary>
    public static Process Start(params string[] task) => Process.Start(TrainingProcess.Command(["cache", .. task]))!;

    /// <summary>The image of a key, noise of a size of its own.</summary>
    public static RgbImage Image(int key)
    {
        var (width, height) = (40 + key % 50, 30 + key % 70);
        var pixels = new byte[3 * width * height];
        new Random(key).NextBytes(pixels);
        return new(pixels, width, height);
    }

    /// <summary>Whether the cache has a key's image; it must be the right one.</summary>
    public static bool Has(OpenImageCache cache, int key, PixelBuffer buffer)
    {
        if (!cache.TryReadImage((UInt128)key, buffer, out var image)) return false;
        var expected = Image(key);
        return (image.Width, image.Height) == (expected.Width, expected.Height)
            && image.Pixels.Span.SequenceEqual(expected.Pixels.Span)
            ? true : throw new InvalidDataException($"The cache has another image under the key {key}.");
    }

    // Keys count from 1, each of one writer.
    private static int Fill(string folder)
    {
        var cache = OpenImageCache.Open(new(folder), Console.Error.WriteLine);
        Parallel.For(0, Writers, new() { MaxDegreeOfParallelism = Writers }, writer =>
        {
            var buffer = new PixelBuffer();
            for (int key = 1 + writer; ; key += Writers)
                if (!Has(cache, key, buffer)) cache.TryAddImage((UInt128)key, Image(key));
        });
        return 0;
    }

    // Each decodes a third of the images, and some that the others decode too.
    private static int Share(string folder, long bytes, int number)
    {
        using var cache = OpenImageCache.Open(new(folder) { MaxBytes = bytes }, _ => { });
        var random = new Random(number);
        var buffer = new PixelBuffer();
        int[] keys = [.. Enumerable.Range(1, Shared)];
        int found = 0;
        // On a busy machine one may begin long after another.
        var most = bytes >= RoomForAll ? Patience : Sharing;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < most && found < Shared; Thread.Sleep(20))
        {
            random.Shuffle(keys);
            found = 0;
            foreach (int key in keys)
            {
                if (Has(cache, key, buffer)) found++;
                else if (key % 3 == number || key % 5 == 0) cache.TryAddImage((UInt128)key, Image(key));
            }
        }
        Console.Error.WriteLine($"{found} found");
        return 0;
    }
}
