using System.Diagnostics;

namespace EmbeddingService;

/// <summary>An image that a request waits for.</summary>
public sealed record WaitingImage(UploadedImage Image, CancellationToken Cancelled)
{
    /// <summary>When it came.</summary>
    public long Since { get; } = Stopwatch.GetTimestamp();

    public TaskCompletionSource<float[]> Embedding { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>
/// The queue: bounded in images and in pixels, small images first. An image's turn comes as if it had arrived later by
/// a time that grows with its pixels, so large ones are overtaken, but not for ever.
/// </summary>
public sealed class WaitingImages(ServiceOptions options)
{
    private readonly PriorityQueue<WaitingImage, double> _queue = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private long _pixels;
    private bool _closed;

    public int Count
    {
        get
        {
            lock (_lock) return _queue.Count;
        }
    }

    /// <summary>Whether a small image would find no room.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock) return _closed || _queue.Count >= options.QueueCapacity || _pixels >= options.QueuePixels;
        }
    }

    /// <summary>
    /// Puts an image in; false if there is no room for it. An image alone finds room, however large it is.
    /// </summary>
    public bool TryAdd(WaitingImage waiting)
    {
        lock (_lock)
        {
            if (!HasRoom(waiting)) Forget();
            if (_closed || !HasRoom(waiting)) return false;
            _queue.Enqueue(waiting, Environment.TickCount64
                + 1000.0 * waiting.Image.Pixels / options.PixelsOvertakenPerSecond);
            _pixels += waiting.Image.Pixels;
        }
        _arrived.Release();
        return true;
    }

    /// <summary>Waits for an image; returns at once if there may be one.</summary>
    public Task ArrivalAsync(CancellationToken cancelled) => _arrived.WaitAsync(cancelled);

    /// <summary>Takes the next images, less those that nobody waits for any more; none if there are none.</summary>
    public List<WaitingImage> TakeBatch()
    {
        var batch = new List<WaitingImage>();
        long pixels = 0;
        lock (_lock)
        {
            while (batch.Count < options.BatchSize && _queue.TryPeek(out var next, out _)
                && (batch.Count == 0 || pixels + next.Image.Pixels <= options.BatchPixels))
            {
                _queue.Dequeue();
                _pixels -= next.Image.Pixels;
                if (next.Cancelled.IsCancellationRequested) continue;
                batch.Add(next);
                pixels += next.Image.Pixels;
            }
        }
        return batch;
    }

    /// <summary>Takes no more, and gives back what there is.</summary>
    public IReadOnlyList<WaitingImage> Close()
    {
        lock (_lock)
        {
            _closed = true;
            var left = _queue.UnorderedItems.Select(item => item.Element).ToArray();
            _queue.Clear();
            return left;
        }
    }

    private bool HasRoom(WaitingImage waiting) =>
        _queue.Count == 0 || (_queue.Count < options.QueueCapacity
            && _pixels + waiting.Image.Pixels <= options.QueuePixels);

    /// <summary>Lets go of images that nobody waits for any more.</summary>
    private void Forget()
    {
        var live = _queue.UnorderedItems.Where(item => !item.Element.Cancelled.IsCancellationRequested).ToArray();
        _queue.Clear();
        _queue.EnqueueRange(live);
        _pixels = live.Sum(item => item.Element.Image.Pixels);
    }
}
