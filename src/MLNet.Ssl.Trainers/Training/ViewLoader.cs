using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using MLNet.Ssl.Distributed;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>
/// Draws batches in a seeded order and makes their views ahead of training, on a thread of its own. All processes draw
/// the same order, and each makes the views of its part of a batch.
/// </summary>
internal sealed class ViewLoader : IDisposable
{
    // Two batches ahead hide the time views take; more would only hold memory.
    private const int Ahead = 2;

    private readonly BlockingCollection<Tensor[]> _ready = new(Ahead);
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private readonly IViewSource _source;
    private readonly Device _device;
    private Exception? _error;

    /// <remarks>Starts with the batch of <paramref name="firstStep"/>, which may be
    /// in the middle of an epoch.</remarks>
    public ViewLoader(IViewSource source, EpochBatches batches, int epochs, ulong seed, Device device,
        long firstStep = 0)
    {
        (_source, _device) = (source, device);
        _thread = new(() => Produce(batches, epochs, seed, firstStep)) { IsBackground = true, Name = "views" };
        _thread.Start();
    }

    /// <summary>Time spent waiting for views.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>The next batch's views on the training device; they belong to the caller's dispose scope.</summary>
    public Tensor[] Next()
    {
        long start = Stopwatch.GetTimestamp();
        Tensor[] views;
        try
        {
            views = _ready.Take();
        }
        catch (InvalidOperationException) when (_error is not null)
        {
            ExceptionDispatchInfo.Throw(_error);
            throw;
        }
        Waited += Stopwatch.GetElapsedTime(start);
        CurrentDisposeScope!.Attach(views);
        // Pinned, they are copied while the step before is computed; libtorch frees them when the copy is done.
        return _device.type == DeviceType.CPU ? views
            : _source.Unpack([.. views.Select(v => v.to(_device, non_blocking: true))]);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        foreach (var views in _ready)
            foreach (var view in views) view.Dispose();
        _ready.Dispose();
        _stop.Dispose();
    }

    /// <summary>The order of an epoch: a permutation drawn from the seed and the epoch alone.</summary>
    internal static int[] Order(int rows, int epoch, ulong seed)
    {
        var order = new int[rows];
        for (int i = 0; i < rows; i++) order[i] = i;
        new Random((int)SplitMix64.Hash(seed, (ulong)epoch)).Shuffle(order);
        return order;
    }

    private Tensor[] Make(ReadOnlySpan<int> rows, int epoch) => _device.type == DeviceType.CPU
        ? _source.Render(rows, epoch, _stop.Token)
        : [.. _source.Pack(rows, epoch, _stop.Token).Select(Pinned)];

    private static Tensor Pinned(Tensor tensor)
    {
        using (tensor) return tensor.pin_memory();
    }

    private void Produce(EpochBatches batches, int epochs, ulong seed, long firstStep)
    {
        try
        {
            var ranks = Communicator.Current;
            int step = (int)(firstStep % batches.Steps);
            for (int epoch = (int)(firstStep / batches.Steps); epoch < epochs; epoch++, step = 0)
            {
                var order = Order(_source.Count, epoch, seed);
                for (; step < batches.Steps; step++)
                {
                    var (first, rows) = batches.Step(step);
                    int share = rows / ranks.Count;
                    _ready.Add(Make(order.AsSpan(first + ranks.Rank * share, share), epoch), _stop.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Dispose asked for it.
        }
        catch (Exception e)
        {
            _error = e;
        }
        finally
        {
            _ready.CompleteAdding();
        }
    }
}
