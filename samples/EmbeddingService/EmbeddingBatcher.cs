using Microsoft.Extensions.Hosting;
using MLNet.Ssl;

namespace EmbeddingService;

/// <summary>
/// Gathers the images of concurrent requests and embeds them together; a request gets its own image's embedding, or its
/// own image's error.
/// </summary>
public sealed class EmbeddingBatcher(ImageEncoder encoder, ServiceOptions options) : BackgroundService
{
    private readonly WaitingImages _queue = new(options);

    /// <summary>Images in the queue.</summary>
    public int QueueLength => _queue.Count;

    /// <summary>Whether images are taken at the moment.</summary>
    public bool IsReady => !_queue.IsFull;

    /// <summary>Puts an image into the queue.</summary>
    /// <returns>Its embedding, later; null if the queue is full or the service stops.</returns>
    public Task<float[]>? TryEmbed(UploadedImage image, CancellationToken cancelled)
    {
        var waiting = new WaitingImage(image, cancelled);
        return _queue.TryAdd(waiting) ? waiting.Embedding.Task.WaitAsync(cancelled) : null;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await _queue.ArrivalAsync(stoppingToken);
                if (_queue.Count == 0) continue;
                if (_queue.Count < options.BatchSize)
                    await Task.Delay(options.BatchDelay, options.BatchClock, stoppingToken);
                Embed(_queue.TakeBatch());
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        finally
        {
            foreach (var waiting in _queue.Close()) waiting.Embedding.TrySetCanceled(CancellationToken.None);
        }
    }

    private void Embed(List<WaitingImage> batch)
    {
        using var activity = ServiceTelemetry.Batch(batch);
        var images = new RgbImage?[batch.Count];
        Parallel.For(0, batch.Count, i =>
        {
            try { images[i] = batch[i].Image.Decode(); }
            catch (Exception e) { batch[i].Embedding.TrySetException(e); }
        });
        var readable = Enumerable.Range(0, batch.Count).Where(i => images[i] is not null).ToArray();
        if (readable.Length == 0) return;
        try
        {
            var embeddings = new float[readable.Length * encoder.EmbeddingDimension];
            encoder.Embed([.. readable.Select(i => images[i]!.Value)], embeddings);
            for (int row = 0; row < readable.Length; row++)
                batch[readable[row]].Embedding.TrySetResult(
                    embeddings.AsSpan(row * encoder.EmbeddingDimension, encoder.EmbeddingDimension).ToArray());
        }
        catch (Exception e)
        {
            foreach (int i in readable) batch[i].Embedding.TrySetException(e);
        }
    }
}
