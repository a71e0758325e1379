using System.Globalization;
using static TorchSharp.torch;

namespace MLNet.Ssl.Checkpoints;

/// <summary>A checkpoint of a run with its tensors, read from a file.</summary>
internal sealed class SavedRun : IDisposable
{
    // A processor has fewer.
    private const int MostThreads = 1 << 14;

    /// <exception cref="InvalidDataException">Seed or thread count of the run are missing or out of range.</exception>
    public SavedRun(string path, TrainingCheckpoint checkpoint, IReadOnlyDictionary<string, Tensor> state)
    {
        (Path, Checkpoint, State) = (path, checkpoint, state);
        (Seed, Threads) = (Number(nameof(TrainingOptions.Seed), int.MinValue, int.MaxValue),
            Number(nameof(TrainingOptions.Threads), 1, MostThreads));
    }

    public string Path { get; }

    public TrainingCheckpoint Checkpoint { get; }

    public IReadOnlyDictionary<string, Tensor> State { get; }

    public int Seed { get; }

    public int Threads { get; }

    /// <summary>Why the run cannot go on from here; null if it can.</summary>
    public Exception? Misfit(
        IReadOnlyDictionary<string, string> run, long totalSteps, IReadOnlyList<(string Name, Tensor Value)> state,
        Func<IReadOnlyDictionary<string, Tensor>, string?> misfit)
    {
        if (RunIdentity.Differences(Checkpoint.Run, run) is { Count: > 0 } differences)
        {
            return new ArgumentException($"The run in CheckpointFolder '{System.IO.Path.GetDirectoryName(Path)}' "
                + "cannot be continued, as it is another one: "
                + $"{string.Join("; ", differences)}. Restore what has changed, or start in another folder, anew or "
                + $"from this run's end by ContinueFrom. (Told by '{Path}'.)");
        }
        if (Checkpoint.Step > totalSteps) return Damaged($"its step is {Checkpoint.Step}, of {totalSteps}");
        if (Difference(state) is not null) return Damaged("it holds other tensors than the run");
        return Damage(misfit) is { } damage ? Damaged(damage) : null;
    }

    /// <summary>Why another run cannot start from here; null if it can.</summary>
    public Exception? MisfitOfStart(
        IReadOnlyDictionary<string, string> run, IReadOnlyList<(string Name, Tensor Value)> state,
        Func<IReadOnlyDictionary<string, Tensor>, string?> misfit)
    {
        const string Method = nameof(PretrainOptions.MethodName);
        string? then = Checkpoint.Run.GetValueOrDefault(Method), now = run.GetValueOrDefault(Method);
        string? why = then != now ? $"that run is of {then ?? "another kind"}, this one of {now ?? "another kind"}"
            : Difference(state);
        if (why is not null) return new ArgumentException($"ContinueFrom '{Path}' does not fit: {why}.",
            nameof(TrainingOptions.ContinueFrom));
        return Damage(misfit) is { } damage ? Damaged(damage) : null;
    }

    /// <summary>Which tensor is another one than in the state; null if all are alike.</summary>
    public string? Difference(IReadOnlyList<(string Name, Tensor Value)> state)
    {
        foreach (var (name, value) in state)
        {
            if (!State.TryGetValue(name, out var saved)) return $"it holds no {name}";
            if (saved.dtype != value.dtype || !saved.shape.SequenceEqual(value.shape))
                return $"its {name} is {Text(saved)}; expected {Text(value)}";
        }
        return State.Keys.Except(state.Select(entry => entry.Name)).FirstOrDefault() is { } more
            ? $"it holds {more}, which this run has not" : null;

        static string Text(Tensor tensor) => $"{tensor.dtype} ({string.Join(", ", tensor.shape)})";
    }

    private string? Damage(Func<IReadOnlyDictionary<string, Tensor>, string?> misfit)
    {
        if (misfit(State) is { } value) return value;
        using var scope = NewDisposeScope();
        // Whole numbers count steps and batches.
        return State.FirstOrDefault(entry =>
            entry.Value.dtype == ScalarType.Int64 && entry.Value.min().item<long>() < 0).Key is { } counter
            ? $"its {counter} is negative"
            : null;
    }

    public void Dispose()
    {
        foreach (var tensor in State.Values) tensor.Dispose();
    }

    private int Number(string name, int least, int most)
    {
        string? text = Checkpoint.Run.GetValueOrDefault(name);
        return int.TryParse(text, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
            ? value
            : throw Damaged($"{name} of its run is '{text}'");
    }

    private InvalidDataException Damaged(string why) => new($"'{Path}' is damaged: {why}.");
}
