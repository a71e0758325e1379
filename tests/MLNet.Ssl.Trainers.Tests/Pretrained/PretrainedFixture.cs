using System.Security.Cryptography;

namespace MLNet.Ssl.Tests;

/// <summary>A small file of weights, caches in a folder of their own, and environment variables
/// that are not the process's.</summary>
public abstract class PretrainedFixture : IDisposable
{
    private protected static byte[] Weights { get; } = Bytes(1, 3_000_000);

    private protected static string Hash { get; } = Convert.ToHexString(SHA256.HashData(Weights));

    private readonly TemporaryFolder _folder = new();

    private protected TemporaryFolder Folder => _folder;

    private protected List<TrainingMessage> Log { get; } = [];

    /// <summary>The environment variables that caches and downloads see.</summary>
    private protected Dictionary<string, string> Variables { get; } = [];

    protected PretrainedFixture() => Variables["XDG_CACHE_HOME"] = _folder.File("others");

    public void Dispose() => _folder.Dispose();

    private protected PretrainedDownloadOptions Options =>
        new() { CacheFolder = _folder.File("own"), Log = Log.Add, Timeout = TimeSpan.FromSeconds(20) };

    private protected string Place => Path.Combine(_folder.File("own"), "tiny", "tiny.pth");

    private protected string[] Left => [.. Directory.GetFiles(Path.GetDirectoryName(Place)!)
        .Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    private protected static PretrainedModel Model(LoopbackServer server, string? hash) =>
        new() { Name = "tiny", Files = [new(server.Address + "weights/tiny.pth") { Sha256 = hash }], License = "none" };

    private protected string? Find(PretrainedModel model, PretrainedDownloadOptions? options = null)
    {
        // Checks both; what it finds is this machine's.
        _ = PretrainedModels.Find(model, options ?? Options);
        return Caches(options ?? Options).Find(model);
    }

    private protected string Download(PretrainedModel model, PretrainedDownloadOptions? options = null,
        List<PretrainedDownloadProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= Options;
        var caches = Caches(options);
        return caches.Find(model)
            ?? WeightDownload.RunAsync(model, caches, options, progress is null ? null
                : new Listed(progress), cancellation).GetAwaiter().GetResult();
    }

    private WeightCaches Caches(PretrainedDownloadOptions options) => new(options, Variables.GetValueOrDefault);

    private protected string Write(string name, string text = "weights")
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private protected static byte[] Bytes(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private sealed class Listed(List<PretrainedDownloadProgress> to) : IProgress<PretrainedDownloadProgress>
    {
        public void Report(PretrainedDownloadProgress value) => to.Add(value);
    }
}
