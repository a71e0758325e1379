using System.Globalization;
using static TorchSharp.torch;

namespace MLNet.Ssl.Checkpoints;

/// <summary>The folder of a run's checkpoints, held by one run at a time.</summary>
internal sealed class CheckpointFolder : IDisposable
{
    private const string Prefix = "checkpoint-", Extension = ".safetensors", Damaged = ".damaged",
        LockName = "run.lock";

    private readonly FileStream _lock;

    private CheckpointFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }

    /// <summary>The checkpoints, the newest first; none if the folder was taken away.</summary>
    public IReadOnlyList<(long Step, string Path)> Files => FilesOf(Path);

    /// <summary>The newest checkpoint that can be read of another run: of a folder, or the file itself; its
    /// tensors are the caller's.</summary>
    /// <exception cref="ArgumentException">There is no checkpoint.</exception>
    /// <exception cref="InvalidDataException">All are damaged.</exception>
    public static SavedRun ReadNewest(string path, Action<TrainingMessage>? log)
    {
        CheckSource(path);
        var damage = new FirstMessage(log);
        if (!Directory.Exists(path))
            return Read(null, path, damage.Take) ?? throw new InvalidDataException(
                $"ContinueFrom '{path}' is damaged: {damage.Text}");
        return FilesOf(path).Select(file => Read(file.Step, file.Path, damage.Take)).OfType<SavedRun>().FirstOrDefault()
            ?? throw new InvalidDataException(
                $"ContinueFrom '{path}' holds checkpoints, and all are damaged. Of the newest: {damage.Text}");
    }

    /// <summary>Refuses what cannot be the source of <see cref="ReadNewest"/>.</summary>
    public static void CheckSource(string path)
    {
        if (File.Exists(path) || (Directory.Exists(path) && FilesOf(path).Count > 0)) return;
        throw new ArgumentException(
            $"ContinueFrom is '{path}', "
            + $"{(Directory.Exists(path) ? "a folder without checkpoints" : "which does not exist")}; expected the "
            + "CheckpointFolder of another run, or one of its files.", nameof(TrainingOptions.ContinueFrom));
    }

    private static IReadOnlyList<(long Step, string Path)> FilesOf(string folder) => !Directory.Exists(folder) ? [] :
        [.. Directory.EnumerateFiles(folder, Prefix + "*" + Extension).Select(path => (StepOf(path), path))
            .Where(file => file.Item1 >= 0).OrderDescending()];

    /// <summary>Makes the folder, tries whether it can be written, and takes hold of it.</summary>
    /// <exception cref="IOException">The folder cannot be made or written, or another run holds it.</exception>
    public static CheckpointFolder Open(string path)
    {
        string full;
        try
        {
            full = Directory.CreateDirectory(path).FullName;
            string probe = System.IO.Path.Combine(full, $"{Prefix}{Guid.NewGuid():N}.tmp");
            File.WriteAllBytes(probe, [0]);
            File.Delete(probe);
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new IOException($"CheckpointFolder '{path}' cannot be written: {e.Message}", e);
        }
        FileStream held;
        try
        {
            // The system lets go of it with the process, however that ends; so the file stays.
            held = new(System.IO.Path.Combine(full, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.None);
        }
        catch (IOException e)
        {
            throw new IOException(
                $"CheckpointFolder '{path}' is in use by another run; give every run a folder of its own.", e);
        }
        // What a run that was killed in the middle of a write left.
        foreach (var left in Directory.EnumerateFiles(full, Prefix + "*.tmp")) File.Delete(left);
        return new(full, held);
    }

    /// <summary>Where the checkpoint of a step goes.</summary>
    public string PathOf(long step) =>
        System.IO.Path.Combine(Path, Prefix + step.ToString("D10", CultureInfo.InvariantCulture) + Extension);

    /// <summary>The checkpoints that can be read, the newest first; their tensors are the caller's.</summary>
    public IEnumerable<SavedRun> Read(Action<TrainingMessage>? log) =>
        Files.Select(file => Read(file.Step, file.Path, log)).OfType<SavedRun>();

    /// <summary>Puts the checkpoints after a step aside: those that were passed over for it.</summary>
    public void PutAsideAfter(long step)
    {
        foreach (var file in Files.Where(file => file.Step > step))
            File.Move(file.Path, file.Path + Damaged, overwrite: true);
    }

    /// <summary>A checkpoint, of a certain step if one is given; null if it is damaged, which the log tells.</summary>
    public static SavedRun? Read(long? step, string path, Action<TrainingMessage>? log)
    {
        try
        {
            using var scope = NewDisposeScope();
            var (checkpoint, state) = TrainingCheckpoint.Read(path);
            if (step is not null && checkpoint.Step != step)
                throw new InvalidDataException($"'{path}' is damaged: its step is {checkpoint.Step}.");
            var saved = new SavedRun(path, checkpoint, state);
            foreach (var tensor in state.Values) tensor.DetachFromDisposeScope();
            return saved;
        }
        catch (InvalidDataException e)
        {
            log?.Invoke(new(true, $"A damaged checkpoint is passed over: {e.Message}"));
            return null;
        }
    }

    /// <summary>Deletes all but the newest files and the one that scored best by the measure.</summary>
    public void Prune(int keep, string? measure)
    {
        var files = Files;
        if (files.Count <= keep) return;
        string? best = Best(measure)?.Path;
        foreach (var (_, path) in files.Skip(keep))
            if (path != best) File.Delete(path);
    }

    /// <summary>The checkpoints that have a score, and how it was measured, the newest first.</summary>
    public IEnumerable<(long Step, string Path, double Score, string? Measure)> Scored => Files
        .Select(file => (file, Measured: TrainingCheckpoint.MeasuredOf(file.Path)))
        .Where(scored => scored.Measured is not null)
        .Select(scored => (scored.file.Step, scored.file.Path, scored.Measured!.Value.Score,
            scored.Measured.Value.Measure));

    /// <summary>The checkpoint of the best score by the measure, of equals the earliest, as the run itself counts them;
    /// null if none has one.</summary>
    /// <param name="measure">Scores of others are left out; null for a run that measures nothing, which leaves out
    /// none.</param>
    public (long Step, string Path, double Score)? Best(string? measure) =>
        Best(Scored.Where(file => measure is null || file.Measure == measure));

    /// <summary>The best of those that were looked at.</summary>
    public static (long Step, string Path, double Score)? Best(
        IEnumerable<(long Step, string Path, double Score, string? Measure)> scored) => scored
        .OrderByDescending(file => file.Score).ThenBy(file => file.Step)
        .Select(file => ((long, string, double)?)(file.Step, file.Path, file.Score)).FirstOrDefault();

    /// <summary>Refuses a disk without room for the checkpoints that are kept and one that is being written.</summary>
    /// <exception cref="IOException">There is less; the message has the numbers.</exception>
    public void CheckSpace(long bytesEach, int keep)
    {
        double needed = (double)bytesEach * Math.Max(1, keep + 1L - Files.Count);
        long free;
        try
        {
            free = new DriveInfo(OperatingSystem.IsWindows() ? System.IO.Path.GetPathRoot(Path)! : Path)
                .AvailableFreeSpace;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            // A network path, or a file system that does not tell: writing will.
            return;
        }
        if (needed > free)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture,
                $"CheckpointFolder '{Path}' has {free:N0} bytes of free space; {needed:N0} are needed for checkpoints "
                + $"of {bytesEach:N0} bytes each."));
        }
    }

    public void Dispose() => _lock.Dispose();

    private static long StepOf(string path) =>
        long.TryParse(System.IO.Path.GetFileNameWithoutExtension(path).AsSpan(Prefix.Length), NumberStyles.None,
            CultureInfo.InvariantCulture, out long step)
            ? step : -1;
}
