using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace MLNet.Ssl.Samples;

/// <summary>
/// Finds the images: a folder the user names, the machine's data folder, an earlier download, a download if it is asked
/// for, else the images of <see cref="FashionMnist"/>.
/// </summary>
public static class CifarSource
{
    private static readonly Uri Archive = new("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz");

    private const string ArchiveMd5 = "C32A1D4AB5D03F1284B67883E8D87530"; // as published beside the archive

    /// <summary>The folder that keeps a download.</summary>
    private static string CacheFolder => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData) is { Length: > 0 } local ? local
        : Path.GetTempPath(),
        "mlnet-ssl",
        "cifar10");

    /// <summary>As <see cref="Resolve(string?, bool, Action{string})"/>; null where that fails, which
    /// <paramref name="fail"/> is told.</summary>
    public static (CifarSet Train, CifarSet Test)? TryResolve(string? dataOption, bool download, Action<string> log,
        Action<string> fail)
    {
        try
        {
            return Resolve(dataOption, download, log);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or HttpRequestException
            or UnauthorizedAccessException)
        {
            fail(error.Message);
            return null;
        }
    }

    /// <summary>
    /// The two halves of the first source that is there; <paramref name="log"/> is told which one it was.
    /// </summary>
    /// <param name="dataOption">A folder with CIFAR-10 files, or null; a named folder must be right, the other sources
    /// may be missing.</param>
    /// <param name="download">Whether CIFAR-10 is downloaded where it is not there.</param>
    /// <param name="log">Takes one line at a time.</param>
    public static (CifarSet Train, CifarSet Test) Resolve(string? dataOption, bool download, Action<string> log) =>
        Resolve(dataOption, Environment.GetEnvironmentVariable("MLNETSSL_DATA"), CacheFolder,
            download ? () => Download(Archive, ArchiveMd5, CacheFolder, TimeSpan.FromSeconds(20)) : null, log);

    /// <param name="dataOption">A folder that the user names.</param>
    /// <param name="dataFolder">The machine's.</param>
    /// <param name="cacheFolder">That of an earlier download.</param>
    /// <param name="download">Downloads into it; null where nobody asked for that.</param>
    /// <param name="log">Takes one line at a time.</param>
    internal static (CifarSet Train, CifarSet Test) Resolve(
        string? dataOption, string? dataFolder, string cacheFolder, Func<Task>? download, Action<string> log)
    {
        if (dataOption is not null) return Read(dataOption, "--data", log);
        if (!string.IsNullOrEmpty(dataFolder))
        {
            if (CifarReader.Exists(dataFolder)) return Read(dataFolder, "MLNETSSL_DATA", log);
            log($"MLNETSSL_DATA ({dataFolder}) has no CIFAR-10");
        }

        if (CifarReader.Exists(cacheFolder)) return Read(cacheFolder, "downloaded earlier", log);
        if (download is not null)
        {
            log($"downloading {Archive} (162 MB)");
            download().GetAwaiter().GetResult();
            return Read(cacheFolder, "downloaded", log);
        }

        var (train, test) = FashionMnist.Read();
        log($"data: {train.Count:N0} + {test.Count:N0} images of Fashion-MNIST; --download fetches CIFAR-10 (162 MB)");
        return (train, test);
    }

    /// <summary>
    /// Unpacks an archive's .bin and .txt files into a folder, which appears when all of it is there.
    /// </summary>
    /// <param name="archive">A .tar.gz file.</param>
    /// <param name="md5">Its MD5 in hexadecimal digits.</param>
    /// <param name="folder">The folder to make.</param>
    /// <param name="silence">How long the server may send nothing.</param>
    internal static async Task Download(Uri archive, string md5, string folder, TimeSpan silence)
    {
        var parent = Directory.CreateDirectory(Path.GetDirectoryName(folder)!).FullName;
        var unfinished = Path.Combine(parent, Path.GetRandomFileName());
        Directory.CreateDirectory(unfinished);
        try
        {
            var file = Path.Combine(unfinished, "archive");
            await Fetch(archive, file, silence);
            await using (var packed = File.OpenRead(file))
            {
                var found = Convert.ToHexString(await MD5.HashDataAsync(packed));
                if (!found.Equals(md5, StringComparison.OrdinalIgnoreCase))
                    throw new InvalidDataException($"{archive} has MD5 {found}: expected {md5}");
                packed.Position = 0;
                await Unpack(packed, unfinished);
            }

            File.Delete(file);
            Directory.Move(unfinished, folder);
        }
        finally
        {
            if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
        }
    }

    private static async Task Fetch(Uri address, string path, TimeSpan silence)
    {
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        using var patience = new CancellationTokenSource(silence);
        try
        {
            using var response = await client.GetAsync(
                address, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            response.EnsureSuccessStatusCode();
            await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
            await using var file = File.Create(path);
            var buffer = new byte[1 << 16];
            for (int read; (read = await body.ReadAsync(buffer, patience.Token)) > 0; patience.CancelAfter(silence))
                await file.WriteAsync(buffer.AsMemory(0, read));
        }
        catch (OperationCanceledException)
        {
            throw new IOException($"{address} sent nothing for {silence.TotalSeconds:0} seconds");
        }
    }

    // Names are taken without their folders, so that no entry lands elsewhere.
    private static async Task Unpack(Stream packed, string folder)
    {
        await using var plain = new GZipStream(packed, CompressionMode.Decompress);
        await using var tar = new TarReader(plain);
        while (await tar.GetNextEntryAsync() is { } entry)
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile
                && Path.GetExtension(entry.Name) is ".bin" or ".txt")
                await entry.ExtractToFileAsync(Path.Combine(folder, Path.GetFileName(entry.Name)), overwrite: false);
    }

    private static (CifarSet Train, CifarSet Test) Read(string folder, string origin, Action<string> log)
    {
        var (train, test) = CifarReader.Read(folder);
        log($"data: CIFAR-10, {train.Count:N0} + {test.Count:N0} images, {origin}: {folder}");
        return (train, test);
    }
}
