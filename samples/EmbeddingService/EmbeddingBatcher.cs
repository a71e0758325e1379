using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using MLNet.Ssl;

namespace EmbeddingService;

/// <summary>Gathers the images of concurrent requests and embeds them together; a request gets its own image's embedding, or its own image's error.</summary>
public sealed class EmbeddingBatcher(ImageEncoder encoder, ServiceOptions options) : BackgroundService
{
    private readonly Channel<Waiting> _queue = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(options.QueueCapacity) { SingleReader = true });

    private sealed record Waiting(UploadedImage Image, CancellationToken Cancelled, TaskCompletionSource<float[]> Embedding);

    /// <summary>Images in the queue.</summary>
    public int QueueLength => _queue.Reader.Count;

    /// <summary>Puts an image into the queue.</summary>
    /// <returns>Its embedding, later; null if the queue is full or the service stops.</returns>
    public Task<float[]>? TryEmbed(UploadedImage image, CancellationToken cancelled)
    {
        var waiting = new Waiting(image, cancelled, new(TaskCreationOptions.RunContinuationsAsynchronously));
        return _queue.Writer.TryWrite(waiting) ? waiting.Embedding.Task.WaitAsync(cancelled) : null;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync(stoppingToken))
            {
                if (_queue.Reader.Count < options.BatchSize) await Task.Delay(options.BatchDelay, stoppingToken);
                Embed(TakeBatch());
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        finally
        {
            _queue.Writer.Complete();
            while (_queue.Reader.TryRead(out var waiting)) waiting.Embedding.TrySetCanceled(CancellationToken.None);
        }
    }

    private List<Waiting> TakeBatch()
    {
        var batch = new List<Waiting>();
        long pixels = 0;
        while (batch.Count < options.BatchSize && _queue.Reader.TryPeek(out var next)
            && (batch.Count == 0 || pixels + next.Image.Pixels <= options.BatchPixels))
        {
            _queue.Reader.TryRead(out _);
            // Nobody waits for it any more.
            if (next.Cancelled.IsCancellationRequested) continue;
            batch.Add(next);
            pixels += next.Image.Pixels;
        }
        return batch;
    }

    private void Embed(List<Waiting> batch)
    {
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
                batch[readable[row]].Embedding.TrySetResult(embeddings.AsSpan(row * encoder.EmbeddingDimension, encoder.EmbeddingDimension).ToArray());
        }
        catch (Exception e)
        {
            foreach (int i in readable) batch[i].Embedding.TrySetException(e);
        }
    }
}
