using System.Runtime.CompilerServices;
using MLNet.Ssl.Options;

namespace MLNet.Ssl.Runs;

/// <summary>What Auto options of a run became. Planning a run adds to it; logs, reports
/// and checkpoints read it.</summary>
internal sealed class Choices
{
    private readonly List<Choice> _made = [];

    /// <summary>Whether the device that is trained on multiplies bfloat16 by units of its own.</summary>
    public bool HasBFloat16 { get; init; }

    /// <summary>The choices, in the order they were made.</summary>
    public IReadOnlyList<Choice> Made => _made;

    /// <summary>What was given, else <paramref name="value"/>, which is then noted with its reason.</summary>
    public T Choose<T>(
        T? given, T value, string reason, [CallerArgumentExpression(nameof(given))] string option = "")
        where T : struct =>
        given ?? Note(value, reason, option);

    /// <inheritdoc cref="Choose{T}(T?, T, string, string)"/>
    public T Choose<T>(
        T? given, T value, string reason, [CallerArgumentExpression(nameof(given))] string option = "")
        where T : class =>
        given ?? Note(value, reason, option);

    /// <summary>Notes a value that stands in the place of an option.</summary>
    public T Note<T>(T value, string reason, string option) where T : notnull
    {
        _made.Add(new(option, value, reason));
        return value;
    }

    public int BatchSize(TrainingOptions options, int usual, int rows)
    {
        // An epoch of few rows has several steps; eights part well into shards and groups,
        // and every process has as many rows.
        int processes = World.Size, quarter = rows / 4;
        int batch = Math.Min(usual, Math.Max(2, quarter < 16 ? quarter : quarter / 8 * 8));
        batch = Math.Max(processes, batch / processes * processes);
        batch = Choose(options.BatchSize, batch, $"of {rows} rows{(batch < usual ? ", a quarter at most" : "")}",
            nameof(options.BatchSize));
        Check.InRange(batch, 2, rows, nameof(options.BatchSize));
        if (batch % processes == 0) return batch;
        throw new ArgumentException(
            $"BatchSize is {batch}; {processes} processes share it, so it must be a multiple of {processes}.",
            nameof(options.BatchSize));
    }

    public OptimizerKind Optimizer(TrainingOptions options, OptimizerKind usual, string reason)
    {
        var optimizer = Choose(options.Optimizer, usual, reason, nameof(options.Optimizer));
        Check.Defined(optimizer, nameof(options.Optimizer));
        return optimizer;
    }

    public double LearningRate(TrainingOptions options, double usual, string reason)
    {
        double rate = Choose(options.LearningRate, usual, reason, nameof(options.LearningRate));
        Check.Positive(rate, nameof(options.LearningRate));
        return rate;
    }

    public int WarmupEpochs(TrainingOptions options, int usual, string reason)
    {
        int epochs = Choose(options.WarmupEpochs, usual, reason, nameof(options.WarmupEpochs));
        Check.AtLeast(epochs, 0, nameof(options.WarmupEpochs));
        return epochs;
    }

    /// <summary>What networks compute in.</summary>
    /// <param name="options">The run's.</param>
    /// <param name="possible">Whether they can in bfloat16.</param>
    public Precision Precision(TrainingOptions options, bool possible)
    {
        if (options.Precision is not { } precision)
        {
            return HasBFloat16 && possible
                ? Note(Ssl.Precision.BFloat16, "this GPU has it", nameof(options.Precision))
                : Ssl.Precision.Float32;
        }
        Check.Defined(precision, nameof(options.Precision));
        if (precision == Ssl.Precision.BFloat16 && !possible)
        {
            throw new ArgumentException(
                "Precision is BFloat16, which the method does not say it can (MethodDefaults.BFloat16).",
                nameof(options.Precision));
        }
        return precision;
    }

    public int Threads(TrainingOptions options, int processors)
    {
        int threads = Choose(options.Threads, processors, "the processors here", nameof(options.Threads));
        Check.AtLeast(threads, 1, nameof(options.Threads));
        return threads;
    }

    public int Seed(TrainingOptions options)
    {
        var (seed, reason) = options.DefaultSeed is { } given
            ? (given, World.Size == 1 ? "drawn from the MLContext" : "rank 0's")
            : (Environment.TickCount, "from the clock");
        return Choose(options.Seed, seed, reason, nameof(options.Seed));
    }
}
