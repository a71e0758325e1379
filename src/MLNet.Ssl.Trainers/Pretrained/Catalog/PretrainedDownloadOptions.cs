using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>How weights are looked for and downloaded (<see cref="PretrainedModels"/>).</summary>
/// <remarks>
/// The environment is heeded as PyTorch and Hugging Face do: <c>TORCH_HOME</c>, <c>HF_HOME</c> and <c>HF_HUB_CACHE</c>
/// say where their caches are, which are read and never written; <c>HF_ENDPOINT</c> is another server for Hugging
/// Face's files, <c>HF_TOKEN</c> is sent to that server and to no other, and <c>HF_HUB_OFFLINE=1</c> forbids every
/// download.
/// </remarks>
public sealed record PretrainedDownloadOptions
{
    /// <summary>Folder that downloads go to.</summary>
    /// <value>Default null: <c>mlnet-ssl</c> in <c>XDG_CACHE_HOME</c>, in <c>~/.cache</c>, or on Windows in the local
    /// application data.</value>
    public string? CacheFolder { get; init; }

    /// <summary>Base address of a mirror, which holds the files under the paths that they have at their own
    /// servers.</summary>
    /// <value>Default null: their own servers.</value>
    public string? Mirror { get; init; }

    /// <summary>How often a download goes on after a connection that failed or was cut.</summary>
    /// <value>Default 5, range 0 to 100.</value>
    public int Retries { get; init; } = 5;

    /// <summary>How long a server may be silent before the connection counts as cut.</summary>
    /// <value>Default 60 s, range 1 ms to 1 h.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Receives what happens beside the progress: a hash that is pinned, a connection that was cut, another
    /// process that is waited for.</summary>
    /// <value>Default null.</value>
    public Action<TrainingMessage>? Log { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">The message names the option, its value and what is allowed.</exception>
    public void Validate()
    {
        if (CacheFolder is not null) ArgumentException.ThrowIfNullOrWhiteSpace(CacheFolder);
        if (Mirror is not null && !(Uri.TryCreate(Mirror, UriKind.Absolute, out var mirror)
            && mirror.Scheme is "http" or "https"))
        {
            throw new ArgumentException(
                $"{nameof(Mirror)} is '{Mirror}'; expected an address of http or https.", nameof(Mirror));
        }
        Check.InRange(Retries, 0, 100, nameof(Retries));
        if (Timeout < TimeSpan.FromMilliseconds(1) || Timeout > TimeSpan.FromHours(1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(Timeout), Timeout, $"{nameof(Timeout)} is {Timeout}; it must be 1 ms to 1 h.");
        }
    }
}

/// <summary>How far a download is; of several files, each in its turn.</summary>
/// <param name="Bytes">Bytes that are there, those of an earlier try too.</param>
/// <param name="TotalBytes">Bytes in all; null where the server does not say.</param>
public readonly record struct PretrainedDownloadProgress(long Bytes, long? TotalBytes);
