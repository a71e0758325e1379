using System.Diagnostics;

namespace MLNet.Ssl.Tests;

/// <summary>The folder of decoded images between processes: one is killed as it writes, several share it.</summary>
public sealed class ImageCacheProcessesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AWriterThatIsKilledLeavesWholeImagesAndRoomToGoOn()
    {
        var (buffer, random, warnings) = (new PixelBuffer(), new Random(1), new List<string>());
        int before = 0;
        for (int round = 0; round < 4; round++)
        {
            using (var writer = CacheProcess.Start("fill", _folder.Path))
            {
                long written = Pixels();
                WaitFor(writer, () => Pixels() > written + 1_000_000);
                // Somewhere in what it writes.
                Thread.Sleep(random.Next(20));
                Assert.False(writer.HasExited, "The writer has ended by itself.");
                writer.Kill();
                writer.WaitForExit();
            }
            using var cache = OpenImageCache.Open(new(_folder.Path), warnings.Add);
            int whole = Enumerable.Range(1, 100_000).Count(key => CacheProcess.Has(cache, key, buffer));
            Assert.True(whole > before, $"{whole} images after the kill, {before} before");
            // The next run writes on in the files that the killed one held.
            int next = 1_000_000 + round;
            Assert.True(cache.TryAddImage((UInt128)next, CacheProcess.Image(next)));
            Assert.True(CacheProcess.Has(cache, next, buffer));
            if (round == 0) Assert.Single(Directory.GetFiles(_folder.Path, "*.index"));
            before = whole;
        }
        using var later = OpenImageCache.Open(new(_folder.Path), warnings.Add);
        Assert.All(Enumerable.Range(1_000_000, 4), key => Assert.True(CacheProcess.Has(later, key, buffer)));
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData(CacheProcess.RoomForAll, true)]
    // Room for some of the images alone.
    [InlineData(1L << 20, false)]
    public async Task ProcessesThatShareTheFolderGetTheirImages(long bytes, bool holdsAll)
    {
        Process[] processes =
        [
            .. Enumerable.Range(0, 3)
                .Select(number => CacheProcess.Start("share", _folder.Path, $"{bytes}", $"{number}")),
        ];
        try
        {
            var told = await Task.WhenAll(processes.Select(process => process.StandardError.ReadToEndAsync()));
            foreach (var process in processes) process.WaitForExit();
            Assert.All(processes.Zip(told), of => Assert.True(of.First.ExitCode == 0, of.Second));
            Assert.InRange(Directory.GetFiles(_folder.Path).Sum(path => new FileInfo(path).Length), 1, bytes);
            if (!holdsAll) return;
            // Each has seen what the others wrote.
            Assert.All(told, text => Assert.Equal($"{CacheProcess.Shared} found", text.Trim()));
            using var cache = OpenImageCache.Open(new(_folder.Path), message => Assert.Fail(message));
            var buffer = new PixelBuffer();
            Assert.All(Enumerable.Range(1, CacheProcess.Shared),
                key => Assert.True(CacheProcess.Has(cache, key, buffer)));
        }
        finally
        {
            foreach (var process in processes)
            {
                if (!process.HasExited) process.Kill();
                process.Dispose();
            }
        }
    }

    private long Pixels() => Directory.GetFiles(_folder.Path, "*.pixels").Sum(path => new FileInfo(path).Length);

    private static void WaitFor(Process process, Func<bool> condition)
    {
        while (!condition())
        {
            Assert.False(process.HasExited, "The writer has ended by itself.");
            Thread.Sleep(1);
        }
    }
}
