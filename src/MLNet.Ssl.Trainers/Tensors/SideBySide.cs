using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>
/// Runs two pieces of a step at the same time, each with half of the processor's threads; where there is only one, in
/// turn.
/// </summary>
/// <remarks>Two passes of a small network, each on a thread of its own, beat two in turn, whose short operators all
/// have to be split between the threads.</remarks>
internal sealed class SideBySide : IDisposable
{
    /// <summary>Runs one piece after the other, on the calling thread.</summary>
    public static readonly SideBySide InTurn = new(null);

    private readonly ShardThreads? _threads;
    private readonly Generator[] _generators = [];

    /// <param name="threads">Two, or one for running in turn; the caller keeps ownership.</param>
    public SideBySide(ShardThreads? threads)
    {
        if (threads is not { Count: 2 }) return;
        _threads = threads;
        _generators = [new Generator(0, CPU), new Generator(0, CPU)];
    }

    /// <summary>
    /// Runs both and returns what they return; tensors in it, also those of tuples and targets, come to the caller's
    /// dispose scope.
    /// </summary>
    /// <remarks>
    /// Each piece has random numbers of its own, seeded by the caller's (<see cref="ForwardRandom"/>). In turn, the
    /// second piece goes first: give the one without gradient there, so that what it needs is free again before the
    /// other one's graph is in memory.
    /// </remarks>
    public (TFirst First, TSecond Second) Run<TFirst, TSecond>(Func<TFirst> first, Func<TSecond> second)
    {
        if (_threads is null)
        {
            var after = second();
            return (first(), after);
        }
        bool gradient = is_grad_enabled();
        if (ForwardRandom.IsInUse)
        {
            var random = HostRandom.OfThisPass();
            foreach (var generator in _generators) generator.manual_seed(random.Below(int.MaxValue));
        }
        var (one, two) = (default(TFirst)!, default(TSecond)!);
        using var scope = NewDisposeScope();
        try
        {
            _threads.Run(side =>
            {
                using var mode = set_grad_enabled(gradient);
                using var random = ForwardRandom.Use(_generators[side]);
                // A worker's tensors are in no scope of the caller's.
                using var work = NewDisposeScope();
                if (side == 0) work.Detach(TensorsOf(one = first()));
                else work.Detach(TensorsOf(two = second()));
            });
        }
        finally
        {
            scope.Attach(TensorsOf(one).Concat(TensorsOf(two)));
        }
        scope.MoveToOuter(TensorsOf(one).Concat(TensorsOf(two)));
        return (one, two);
    }

    public void Dispose()
    {
        foreach (var generator in _generators) generator.Dispose();
    }

    private static IEnumerable<IDisposable> TensorsOf(object? result) => result switch
    {
        Tensor tensor => [tensor],
        ITensorHolder holder => holder.Tensors,
        ITuple tuple => Enumerable.Range(0, tuple.Length).SelectMany(i => TensorsOf(tuple[i])),
        _ => [],
    };
}
