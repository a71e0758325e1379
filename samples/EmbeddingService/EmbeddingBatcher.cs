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
        Embed([.. batch.Zip(images).Where(one => one.Second is not null)
            .Select(one => (one.First.Embedding, one.Second!.Value))]);
    }

    private void Embed(IReadOnlyList<(TaskCompletionSource<float[]> Embedding, RgbImage Image)> batch)
    {
        if (batch.Count == 0) return;
        try
        {
            var embeddings = new float[batch.Count * encoder.EmbeddingDimension];
            encoder.Embed([.. batch.Select(one => one.Image)], embeddings);
            for (int row = 0; row < batch.Count; row++)
                batch[row].Embedding.TrySetResult(
                    embeddings.AsSpan(row * encoder.EmbeddingDimension, encoder.EmbeddingDimension).ToArray());
        }
        // An image of a size that the model does not take, or not beside others, is no fault of these.
        catch (ArgumentException) when (batch.Count > 1)
        {
            foreach (var one in batch) Embed([one]);
        }
        catch (Exception e)
        {
            foreach (var (embedding, _) in batch) embedding.TrySetException(e);
        }
    }
}
