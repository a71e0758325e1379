namespace EmbeddingService;

/// <summary>What the service accepts, and how it batches.</summary>
public sealed record ServiceOptions
{
    /// <summary>Where it listens; port 0 takes a free one.</summary>
    public string Url { get; init; } = "http://127.0.0.1:5080";

    /// <summary>
    /// What a request to embed must show, in the header X-Api-Key or as a bearer token; null for nothing.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>
    /// Requests that one address may have under way; one more gets 429 and is to come again. Behind a proxy all come
    /// from its address.
    /// </summary>
    public int RequestsPerClient { get; init; } = 512;

    /// <summary>Largest request body in bytes; a larger one gets 413.</summary>
    public long MaxUploadBytes { get; init; } = 10 << 20;

    /// <summary>Most pixels of an image, told by its header before it is decoded; a larger one gets 413.</summary>
    public long MaxPixels { get; init; } = 50_000_000;

    /// <summary>
    /// Bytes of uploads that are held, of all requests together; where there are more, a request gets 503 and is to
    /// come again.
    /// </summary>
    public long HeldBytes { get; init; } = 256 << 20;

    /// <summary>
    /// Images that wait for the encoder; where there are as many, a request gets 503 and is to come again.
    /// </summary>
    public int QueueCapacity { get; init; } = 256;

    /// <summary>
    /// Pixels of all that wait, unless it is a single image; where there are more, a request gets 503 and is to come
    /// again.
    /// </summary>
    public long QueuePixels { get; init; } = 200_000_000;

    /// <summary>
    /// Small images go first: one of so many pixels is overtaken by smaller ones that arrive up to a second later.
    /// </summary>
    public double PixelsOvertakenPerSecond { get; init; } = 5_000_000;

    /// <summary>
    /// Time for a request: for its upload, after which it gets 408, and then for its embedding, after which it gets
    /// 503.
    /// </summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections at a time. Idle ones cost little, so that there can be many.</summary>
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>How long a connection may be idle, before its first request too.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the headers of a request may take.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Images embedded together.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Pixels decoded for one batch, unless a single image has more.</summary>
    public long BatchPixels { get; init; } = 64_000_000;

    /// <summary>How long the first image of a batch waits for others.</summary>
    public TimeSpan BatchDelay { get; init; } = TimeSpan.FromMilliseconds(3);

    /// <summary>The clock that <see cref="BatchDelay"/> goes by.</summary>
    public TimeProvider BatchClock { get; init; } = TimeProvider.System;
}
