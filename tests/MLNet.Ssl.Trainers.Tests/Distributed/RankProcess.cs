using System.Diagnostics;

namespace MLNet.Ssl.Tests;

/// <summary>
/// The test program as one of several processes that mpirun starts: <c>ranks train folder steps name…</c> trains runs
/// with checkpoints in the folder, <c>ranks differ option|data|start</c> is told something else on rank 1, or fails
/// there before it trains, <c>ranks endless folder</c> trains until it is killed.
/// </summary>
internal static class RankProcess
{
    private const int Refused = 3;

    public static int Run(string[] task)
    {
        switch (task)
        {
            case ["train", var folder, var every, .. var names]:
                foreach (string name in names) Train(name, folder, int.Parse(every));
                return 0;
            case ["differ", var what]:
                return Differ(what);
            case ["endless", var folder]:
                File.WriteAllText(Path.Combine(folder, $"pid{World.Rank}"), $"{Environment.ProcessId}");
                var started = new Collect(_ => File.WriteAllText(Path.Combine(folder, "training"), ""));
                SmallRuns.Train(RankRuns.Of("BYOL") with { Epochs = 1_000_000, Progress = started });
                return 0;
            default:
                throw new ArgumentException(string.Join(' ', task));
        }
    }

    /// <summary>Trains a run, from where its checkpoints are, with one after so many steps
    /// in a folder of its name.</summary>
    public static void Train(string name, string folder, int every) => SmallRuns.Train(
        RankRuns.Of(name).In(Path.Combine(folder, name),
            resume: true) with
        { CheckpointEvery = CheckpointInterval.Steps(every) }, rows: RankRuns.Rows);

    /// <summary>How <paramref name="launcher"/> starts this program so many times.</summary>
    public static ProcessStartInfo Command(string launcher, int ranks, params string[] task)
    {
        var alone = TrainingProcess.Command(["ranks", .. task]);
        return MpiRun.Command(launcher, ranks, [alone.FileName, .. alone.ArgumentList]);
    }

    private static int Differ(string what)
    {
        bool other = World.Rank == 1;
        if (what == "start" && other) return Refused;
        var options = RankRuns.Of("BYOL") with { LearningRate = what == "option" && other ? 0.2 : 0.1 };
        try
        {
            SmallRuns.Train(options, dataSeed: what == "data" && other ? 2 : 1);
            return 0;
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"rank {World.Rank}: {e.Message}");
            return Refused;
        }
    }
}
