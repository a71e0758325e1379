using MLNet.Ssl.Weights;

namespace MLNet.Ssl.Pretrained;

/// <summary>Where files of weights are kept on this machine.</summary>
/// <param name="options">Where this library's are.</param>
/// <param name="environment">The environment's variables, in place of the process's.</param>
internal sealed class WeightCaches(PretrainedDownloadOptions options, Func<string, string?>? environment = null)
{
    private static readonly string Home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private readonly Func<string, string?> _environment = environment ?? Environment.GetEnvironmentVariable;

    /// <summary>Whether downloads are forbidden.</summary>
    public bool IsOffline => Variable("HF_HUB_OFFLINE")?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    /// <summary>The server of Hugging Face's files.</summary>
    public string HuggingFaceEndpoint => Variable("HF_ENDPOINT") ?? "https://huggingface.co";

    /// <summary>What opens its gates.</summary>
    public string? HuggingFaceToken => Variable("HF_TOKEN");

    private string Torch => Path.Combine(Variable("TORCH_HOME") ?? Path.Combine(Shared, "torch"), "hub", "checkpoints");

    private string HuggingFace =>
        Variable("HF_HUB_CACHE") ?? Path.Combine(Variable("HF_HOME") ?? Path.Combine(Shared, "huggingface"), "hub");

    private string Own => options.CacheFolder ?? Path.Combine(
        OperatingSystem.IsWindows()
            ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Shared,
        "mlnet-ssl");

    private string Shared => Variable("XDG_CACHE_HOME") ?? Path.Combine(Home, ".cache");

    /// <summary>A file of the network's weights of the right size; null if there is none.</summary>
    public string? Find(PretrainedModel model) => model.Files
        .SelectMany(file => Places(model, file), (file, path) => (file, path))
        .FirstOrDefault(place => IsWhole(place.file, place.path)).path;

    /// <summary>Place of a file in this library's cache.</summary>
    public string PathOf(PretrainedModel model, PretrainedFile file) =>
        Path.Combine(Path.GetFullPath(Own), Flat(file.IsOnHuggingFace ? file.Repository : model.Name), file.Name);

    /// <summary>Whether a file stands in this library's cache; of an index, the index itself.</summary>
    public bool Has(PretrainedModel model, PretrainedFile file) => HasSize(file, PathOf(model, file));

    private IEnumerable<string?> Places(PretrainedModel model, PretrainedFile file) =>
        [file.IsOnHuggingFace ? InHuggingFace(file) : Path.Combine(Torch, file.Name), PathOf(model, file)];

    /// <summary>A snapshot is a folder of links; the branch "main" names the one that was taken last.</summary>
    private string? InHuggingFace(PretrainedFile file)
    {
        string folder = Path.Combine(HuggingFace, "models--" + Flat(file.Repository));
        string snapshots = Path.Combine(folder, "snapshots"), branch = Path.Combine(folder, "refs", "main");
        if (!Directory.Exists(snapshots)) return null;
        var commits = Directory.GetDirectories(snapshots).Order(StringComparer.Ordinal);
        string[] newest = File.Exists(branch) ? [Path.Combine(snapshots, File.ReadAllText(branch).Trim())] : [];
        return newest.Concat(commits)
            .Select(commit => Path.Combine(commit, file.PathInRepository))
            .FirstOrDefault(Exists);
    }

    private static bool IsWhole(PretrainedFile file, string? path)
    {
        return path is not null && HasSize(file, path) && (!file.IsIndex || HasAllShards(path));
    }

    private static bool HasSize(PretrainedFile file, string path)
    {
        if (!Exists(path)) return false;
        if (file.Bytes is not { } bytes) return true;
        // The length of a link is not that of its file.
        using var stream = File.OpenRead(path);
        return stream.Length == bytes;
    }

    private static bool HasAllShards(string index)
    {
        try
        {
            return ShardedSafeTensors.FilesOf(index)
                .All(name => Exists(Path.Combine(Path.GetDirectoryName(index)!, name)));
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    // A link whose file is gone exists.
    private static bool Exists(string path) =>
        File.Exists(path) && (File.ResolveLinkTarget(path, returnFinalTarget: true)?.Exists ?? true);

    private static string Flat(string name) => name.Replace("/", "--", StringComparison.Ordinal);

    private string? Variable(string name) => _environment(name) is { Length: > 0 } value ? value : null;
}
