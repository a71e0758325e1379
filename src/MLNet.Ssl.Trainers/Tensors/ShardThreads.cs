using System.Runtime.ExceptionServices;
using TorchSharp;

namespace MLNet.Ssl.Tensors;

/// <summary>
/// Threads that each work on a shard of a batch with their share of the processor, all of a run long.
/// </summary>
/// <remarks>
/// On a processor, several half-batches side by side beat one batch whose every operator is split: most operators of a
/// small network are too short to split well. The thread that starts them waits meanwhile.
/// </remarks>
internal sealed class ShardThreads : IDisposable
{
    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _start;
    private readonly CountdownEvent _done;
    private readonly Exception?[] _errors;
    private volatile Action<int>? _work;

    public ShardThreads(int shards, int processorThreads)
    {
        int before = torch.get_num_threads();
        _done = new(shards);
        _errors = new Exception?[shards];
        _start = [.. Enumerable.Range(0, shards).Select(_ => new SemaphoreSlim(0))];
        _threads = [.. Enumerable.Range(0, shards)
            .Select(s =>
            new Thread(() =>
            Loop(s, Math.Max(1, processorThreads / shards))) { IsBackground = true, Name = $"shard {s}" })];
        if (shards == 1) return;
        foreach (var thread in _threads) thread.Start();
        _done.Wait();
        // The count is per thread, but a new thread takes over the last one that was set.
        torch.set_num_threads(before);
    }

    public int Count => _threads.Length;

    /// <summary>
    /// Runs <paramref name="work"/> for every shard and waits; the first shard's exception comes back.
    /// </summary>
    public void Run(Action<int> work)
    {
        if (Count == 1)
        {
            work(0);
            return;
        }
        _work = work;
        _done.Reset();
        foreach (var start in _start) start.Release();
        _done.Wait();
        _work = null;
        var error = _errors.FirstOrDefault(e => e is not null);
        Array.Clear(_errors);
        if (error is not null) ExceptionDispatchInfo.Throw(error);
    }

    public void Dispose()
    {
        if (Count > 1)
        {
            foreach (var start in _start) start.Release();
            foreach (var thread in _threads) thread.Join();
        }
        foreach (var start in _start) start.Dispose();
        _done.Dispose();
    }

    private void Loop(int shard, int threads)
    {
        // A thread takes over the process's count when it first asks libtorch for its own: let it do so before it is
        // told its share.
        _ = torch.get_num_threads();
        torch.set_num_threads(threads);
        _done.Signal();
        while (true)
        {
            _start[shard].Wait();
            if (_work is not { } work) return;
            try
            {
                work(shard);
            }
            catch (Exception e)
            {
                _errors[shard] = e;
            }
            _done.Signal();
        }
    }
}
