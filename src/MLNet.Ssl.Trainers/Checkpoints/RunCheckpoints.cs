using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MLNet.Ssl.Distributed;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using MLNet.Ssl.Weights;
using static TorchSharp.torch;

namespace MLNet.Ssl.Checkpoints;

/// <summary>A run's checkpoints: continues the run at the newest one, and writes others between steps. Without
/// a folder it does nothing.</summary>
internal sealed class RunCheckpoints : IDisposable
{
    private readonly CheckpointFolder? _folder;
    private readonly TrainingOptions _options;
    private readonly Action<TrainingMessage>? _log;
    private readonly IEnumerator<SavedRun> _candidates;

    private SavedRun? _saved, _start;

    private IReadOnlyDictionary<string, string> _run = new Dictionary<string, string>();
    private IReadOnlyList<(string Name, Tensor Value)> _state = [];
    private string? _measure;
    private long _lastStep, _written, _stepsPerEpoch = 1;
    private long _lastTime = Stopwatch.GetTimestamp();

    private RunCheckpoints(CheckpointFolder? folder, TrainingOptions options, Action<TrainingMessage>? log)
    {
        (_folder, _options, _log) = (folder, options, log);
        var damage = new FirstMessage(log);
        _candidates = (folder is null || !options.Resume ? [] : folder.Read(damage.Take)).GetEnumerator();
        int files = folder is not null && options.Resume ? folder.Files.Count : 0;
        if (files == 0 && World.Rank == 0 && options.ContinueFrom is { } source)
            _start = CheckpointFolder.ReadNewest(source, log);
        if (folder is null || !options.Resume) return;
        if (files == 0)
            log?.Invoke(new(false, $"CheckpointFolder '{folder.Path}' holds no checkpoint: the run starts anew."));
        else if (!MoveNext())
            throw new InvalidDataException($"CheckpointFolder '{folder.Path}' holds {files} checkpoint(s), and all are "
                + $"damaged; take another folder to start anew. Of the newest: {damage.Text}");
    }

    /// <summary>Takes hold of the folder that the options name and reads the newest good checkpoint in it.</summary>
    /// <exception cref="ArgumentException">The options do not go together, or with what the folder holds.</exception>
    /// <exception cref="IOException">The folder cannot be written, or is in use.</exception>
    /// <exception cref="InvalidDataException">There are checkpoints, and all of them are damaged.</exception>
    public static RunCheckpoints Open(TrainingOptions options, Action<TrainingMessage>? log) =>
        Communicator.Current.Together(() =>
    {
        var folder = OpenFolder(options);
        try
        {
            return new RunCheckpoints(folder, options, log);
        }
        catch
        {
            folder?.Dispose();
            throw;
        }
    });

    /// <summary>What can be said before the data is read: the checks of <see cref="Open"/> but the reading.</summary>
    public static void CheckFolder(TrainingOptions options)
    {
        if (World.Rank > 0) return;
        using var folder = OpenFolder(options);
        if (options.ContinueFrom is { } source && (folder is null || folder.Files.Count == 0))
            CheckpointFolder.CheckSource(source);
    }

    /// <summary>Seed and thread count of the run that is continued, where they were left at Auto; other Auto options
    /// follow from the data. Where several processes train, rank 0's.</summary>
    public T Continue<T>(T options) where T : TrainingOptions
    {
        options = OfCheckpoint(options);
        var ranks = Communicator.Current;
        if (ranks.Count == 1) return options;
        var first = ranks.Broadcast(options.Seed ?? options.DefaultSeed ?? Environment.TickCount, options.Threads ?? 0);
        return (T)(options with
        {
            DefaultSeed = (int)first[0],
            Threads = options.Threads
            ?? (first[1] > 0 ? (int)first[1] : null)
        });
    }

    private T OfCheckpoint<T>(T options) where T : TrainingOptions
    {
        if (_start is not null && options.Seed is null)
        {
            // The views of that run come no second time.
            int seed = (int)(SplitMix64.Hash((ulong)_start.Seed, (ulong)_start.Checkpoint.Step) & int.MaxValue);
            _log?.Invoke(new(false, $"Seed = {seed}: follows from that of the run to go on from"));
            return (T)(options with { Seed = seed });
        }
        if (_saved is null) return options;
        int Take(int? given, int saved, string name)
        {
            if (given is { } value) return value;
            _log?.Invoke(new(false, $"{name} = {saved}: the checkpoint's"));
            return saved;
        }
        return (T)(options with
        {
            Seed = Take(options.Seed, _saved.Seed, nameof(options.Seed)),
            Threads = Take(options.Threads, _saved.Threads, nameof(options.Threads)),
        });
    }

    /// <summary>Starts the run at <paramref name="clock"/>, or where the checkpoint stands: fills the
    /// state with what it holds.</summary>
    /// <param name="clock">The first step.</param>
    /// <param name="state">The live tensors that steps depend on.</param>
    /// <param name="run">What the run is (<see cref="RunIdentity"/>).</param>
    /// <param name="misfit">Why saved tensors of the state's names and shapes cannot be
    /// the run's; null if they can.</param>
    /// <returns>The step to go on with, and the collapse alarm's counts there; null where the run begins.</returns>
    /// <exception cref="ArgumentException">The checkpoints are of another run; the
    /// message says what differs.</exception>
    /// <exception cref="InvalidDataException">None fits the run; the message names the newest.</exception>
    /// <exception cref="IOException">The disk has no room for checkpoints.</exception>
    public (StepClock Clock, IReadOnlyList<int>? Alarm) Start(
        StepClock clock, IEnumerable<(string Name, Tensor Value)> state, Func<IReadOnlyDictionary<string, string>> run,
        Func<IReadOnlyDictionary<string, Tensor>, string?> misfit)
    {
        if (_folder is null && _start is null) return (clock, null);
        (_state, _run, _stepsPerEpoch) = ([.. state], run(), clock.StepsPerEpoch);
        if (_start is not null) GoOn(misfit);
        _folder?.CheckSpace(_state.Sum(entry => entry.Value.numel() * ElementType.Find(entry.Value.dtype)!.Size),
            _options.CheckpointsKept);
        if (_saved is null) return (clock, null);
        Restore(clock, misfit);
        var saved = _saved.Checkpoint;
        (_lastStep, _lastTime) = (saved.Step, Stopwatch.GetTimestamp());
        _log?.Invoke(
            new(false, $"The run goes on after step {saved.Step} of {clock.TotalSteps}, as in '{_saved.Path}'."));
        _saved.Dispose();
        return (clock with { Step = saved.Step }, saved.Alarm);
    }

    /// <summary>Whether there is a folder.</summary>
    public bool AreWritten => _folder is not null;

    /// <summary>The best score of the checkpoints that are there, the epochs until then and those until the newest
    /// score; null if none has one. From here on scores are told to be by this measure, and others do not
    /// count.</summary>
    /// <param name="measure">How and on which rows scores are measured; asked for where there is a folder.</param>
    public (double Score, double Epochs, double Newest)? GoOnScoring(Func<string> measure)
    {
        if (_folder is null) return null;
        _measure = measure();
        var scored = _folder.Scored.ToLookup(file => file.Measure == _measure);
        if (scored[false].Any())
            _log?.Invoke(new(true, $"Checkpoints in '{_folder.Path}' were scored on other rows, or otherwise, than "
                + "this run's evaluation does: their scores are forgotten, and the best is looked for anew."));
        return CheckpointFolder.Best(scored[true]) is { } best
            ? (best.Score, best.Step / (double)_stepsPerEpoch, scored[true].First().Step / (double)_stepsPerEpoch)
            : null;
    }

    /// <summary>Fills the state with the checkpoint of the best score; false if none
    /// that can be read has one.</summary>
    public bool TakeBest()
    {
        if (_folder?.Best(_measure) is not { } best) return false;
        using var saved = CheckpointFolder.Read(best.Step, best.Path, _log);
        if (saved?.Difference(_state) is not null || saved is null) return false;
        Fill(saved);
        return true;
    }

    /// <summary>Whether a checkpoint is to be written before the step that <paramref name="next"/> stands at;
    /// always behind the last one.</summary>
    public bool IsDue(StepClock next) =>
        _folder is not null && (next.Step == next.TotalSteps
            || _options.CheckpointEvery.IsDue(next, Stopwatch.GetElapsedTime(_lastTime)));

    /// <summary>Whether what was done before <paramref name="next"/> is not saved yet.</summary>
    public bool IsBehind(StepClock next) => _folder is not null && next.Step > _lastStep;

    /// <summary>Writes the state, which is finite, before the step that <paramref name="next"/> stands at.</summary>
    /// <param name="next">The step that comes.</param>
    /// <param name="alarm">The collapse alarm's counts.</param>
    /// <param name="score">How good the encoder is, where that was measured; higher is better. The best checkpoint is
    /// kept beside the last ones.</param>
    /// <exception cref="IOException">The file cannot be written; earlier checkpoints are as they were.</exception>
    public void Write(StepClock next, IReadOnlyList<int> alarm, double? score = null)
    {
        long start = Stopwatch.GetTimestamp();
        string path = _folder!.PathOf(next.Step);
        try
        {
            new TrainingCheckpoint(next.Step, _run, alarm, score, score is null ? null : _measure).Write(path, _state);
            _folder.Prune(_options.CheckpointsKept, _measure);
        }
        // .NET reports a file that may not grow further (a quota, FAT's 4 GiB) as an argument out of range.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw new IOException($"The checkpoint of step {next.Step} cannot be written to CheckpointFolder "
                + $"'{_folder.Path}': {e.Message.TrimEnd('.')}. "
                + (_folder.Files is [var newest, ..] ? $"The one of step {newest.Step} is intact."
                    : "There is none before it."), e);
        }
        (_lastStep, _lastTime) = (next.Step, Stopwatch.GetTimestamp());
        if (_written++ == 0)
            _log?.Invoke(new(false, string.Create(CultureInfo.InvariantCulture,
                $"The first checkpoint, '{path}', took {Stopwatch.GetElapsedTime(start).TotalSeconds:0.000} s and "
                + $"{new FileInfo(path).Length:N0} bytes.")));
    }

    /// <summary>Ends a cancelled run, which was saved, before the step that <paramref name="next"/> stands
    /// at, and says where it is.</summary>
    [DoesNotReturn]
    public void Cancel(StepClock next)
    {
        string end = $"The run was cancelled after step {next.Step} of {next.TotalSteps}; ";
        end += World.Rank > 0 ? "what is saved, rank 0 says."
            : _folder is null ? "nothing is saved, as CheckpointFolder is null."
            : next.Step == 0 ? "there is nothing to save."
            : $"Resume = true continues it from '{_folder.PathOf(next.Step)}'.";
        throw new OperationCanceledException(end, _options.CancellationToken);
    }

    /// <summary>Lets go of the folder.</summary>
    public void Dispose()
    {
        _saved?.Dispose();
        _start?.Dispose();
        _candidates.Dispose();
        _folder?.Dispose();
    }

    private static CheckpointFolder? OpenFolder(TrainingOptions options)
    {
        if (options.CheckpointFolder is not { } path)
        {
            return options.Resume
                ? throw new ArgumentException("Resume is true, but CheckpointFolder is null: there is nothing to "
                    + "continue.", nameof(options.Resume))
                : null;
        }
        ArgumentNullException.ThrowIfNull(options.CheckpointEvery);
        Check.AtLeast(options.CheckpointsKept, 1, nameof(options.CheckpointsKept));
        var folder = CheckpointFolder.Open(path);
        if (options.Resume || folder.Files is not [var newest, ..]) return folder;
        folder.Dispose();
        throw new ArgumentException($"CheckpointFolder '{path}' holds checkpoints, the newest of step {newest.Step}: "
            + "set Resume = true to continue that run, or take another folder.", nameof(options.CheckpointFolder));
    }

    /// <summary>Fills the state with the newest checkpoint that fits the run.</summary>
    private void Restore(StepClock clock, Func<IReadOnlyDictionary<string, Tensor>, string?> misfit)
    {
        var passedOver = new List<Exception>();
        while (_saved!.Misfit(_run, clock.TotalSteps, _state, misfit) is { } damage)
        {
            passedOver.Add(damage);
            if (!MoveNext()) throw passedOver[0];
        }
        foreach (var damage in passedOver)
            _log?.Invoke(new(true, $"A damaged checkpoint is passed over: {damage.Message}"));
        _folder!.PutAsideAfter(_saved.Checkpoint.Step);
        Fill(_saved);
    }

    /// <summary>Fills the state with what another run kept.</summary>
    private void GoOn(Func<IReadOnlyDictionary<string, Tensor>, string?> misfit)
    {
        if (_start!.MisfitOfStart(_run, _state, misfit) is { } error) throw error;
        Fill(_start);
        _log?.Invoke(new(false,
            $"The run begins anew where another one was after step {_start.Checkpoint.Step}, as in '{_start.Path}'."));
        _start.Dispose();
    }

    private void Fill(SavedRun saved)
    {
        using var noGrad = no_grad();
        foreach (var (name, value) in _state) value.copy_(saved.State[name]);
        MixedPrecision.Refresh(_state.Select(entry => entry.Value));
    }

    private bool MoveNext()
    {
        _saved?.Dispose();
        _saved = _candidates.MoveNext() ? _candidates.Current : null;
        return _saved is not null;
    }
}
