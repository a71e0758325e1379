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
        (Seed, Threads) = (Number(nameof(TrainingOptions.Seed), int.MinValue, int.MaxValue), Number(nameof(TrainingOptions.Threads), 1, MostThreads));
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
            return new ArgumentException($"The run in CheckpointFolder '{System.IO.Path.GetDirectoryName(Path)}' cannot be continued, as it is another one: "
                + $"{string.Join("; ", differences)}. Restore what has changed, or start anew in another folder. (Told by '{Path}'.)");
        }
        if (Checkpoint.Step > totalSteps) return Damaged($"its step is {Checkpoint.Step}, of {totalSteps}");
        bool Fits((string Name, Tensor Value) entry) =>
            State.TryGetValue(entry.Name, out var saved) && saved.dtype == entry.Value.dtype && saved.shape.SequenceEqual(entry.Value.shape);
        if (state.Count != State.Count || !state.All(Fits)) return Damaged("it holds other tensors than the run");
        if (misfit(State) is { } value) return Damaged(value);
        using var scope = NewDisposeScope();
        // Whole numbers count steps and batches.
        return State.FirstOrDefault(entry => entry.Value.dtype == ScalarType.Int64 && entry.Value.min().item<long>() < 0).Key is { } counter
            ? Damaged($"its {counter} is negative")
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
