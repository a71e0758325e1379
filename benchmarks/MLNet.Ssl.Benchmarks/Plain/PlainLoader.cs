using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>Workers that make whole batches ahead of training, as PyTorch's DataLoader does;
/// TorchSharp's own makes none ahead.</summary>
internal sealed class PlainLoader : IDisposable
{
    private readonly BlockingCollection<Tensor[]> _ready;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Thread[] _workers;
    private readonly Tensor _images;
    private readonly IEnumerator<int[]> _batches;
    private Exception? _error;

    /// <param name="images">(N, 3, H, W), bytes.</param>
    /// <param name="recipes">One view of an image each.</param>
    /// <param name="batch">Images of a batch.</param>
    /// <param name="workers">Threads; each may be two batches ahead.</param>
    public PlainLoader(Tensor images, IReadOnlyList<ViewRecipe> recipes, int batch, int workers)
    {
        _images = images;
        _ready = new(2 * workers);
        _batches = Shuffled((int)images.size(0), batch).GetEnumerator();
        _workers =
            [.. Enumerable.Range(0, workers).Select(_ => new Thread(() => Work(recipes)) { IsBackground = true })];
        foreach (var worker in _workers) worker.Start();
    }

    /// <summary>The next batch's views, which the open dispose scope takes over.</summary>
    public Tensor[] Next()
    {
        try
        {
            var views = _ready.Take(_stop.Token);
            CurrentDisposeScope!.Attach(views);
            return views;
        }
        catch (OperationCanceledException) when (_error is not null)
        {
            ExceptionDispatchInfo.Throw(_error);
            throw;
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        foreach (var worker in _workers) worker.Join();
        while (_ready.TryTake(out var views))
            foreach (var view in views) view.Dispose();
        _batches.Dispose();
        _ready.Dispose();
        _stop.Dispose();
    }

    private void Work(IReadOnlyList<ViewRecipe> recipes)
    {
        // As in PyTorch's workers; the thread that trains has its own number.
        set_num_threads(1);
        try
        {
            var views = recipes.Select(recipe => new PlainViews(recipe)).ToList();
            while (!_stop.IsCancellationRequested)
            {
                int[] rows;
                lock (_gate)
                {
                    _batches.MoveNext();
                    rows = _batches.Current;
                }
                _ready.Add(Render(views, rows), _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Dispose asked for it.
        }
        catch (Exception e)
        {
            _error = e;
            _stop.Cancel();
        }
    }

    private Tensor[] Render(IReadOnlyList<PlainViews> views, int[] rows)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var images = rows.Select(row => _images[row].to(float32).div_(255)).ToList();
        return [.. views.Select(view => view.Render(images).DetachFromDisposeScope())];
    }

    private static IEnumerable<int[]> Shuffled(int rows, int batch)
    {
        int[] order = [.. Enumerable.Range(0, rows)];
        while (true)
        {
            Random.Shared.Shuffle(order);
            for (int first = 0; first + batch <= rows; first += batch) yield return order[first..(first + batch)];
        }
    }
}
