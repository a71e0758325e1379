namespace EmbeddingService;

/// <summary>What the service accepts, and how it batches.</summary>
public sealed record ServiceOptions
{
    /// <summary>Where it listens; port 0 takes a free one.</summary>
    public string Url { get; init; } = "http://127.0.0.1:5080";

    /// <summary>Largest request body in bytes; a larger one gets 413.</summary>
    public long MaxUploadBytes { get; init; } = 10 << 20;

    /// <summary>Most pixels of an image, told by its header before it is decoded; a larger one gets 413.</summary>
    public long MaxPixels { get; init; } = 50_000_000;

    /// <summary>Images that wait for the encoder; where there are as many, a request gets 503 and is to come again.</summary>
    public int QueueCapacity { get; init; } = 256;

    /// <summary>Images embedded together.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Pixels decoded for one batch, unless a single image has more.</summary>
    public long BatchPixels { get; init; } = 64_000_000;

    /// <summary>How long the first image of a batch waits for others.</summary>
    public TimeSpan BatchDelay { get; init; } = TimeSpan.FromMilliseconds(3);
}
