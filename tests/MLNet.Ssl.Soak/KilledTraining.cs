using System.Diagnostics;
using MLNet.Ssl.Tests;

namespace MLNet.Ssl.Soak;

/// <summary>Every method trains in a process that is killed at random points and resumes, to the bits of
/// a run that nobody killed.</summary>
internal static class KilledTraining
{
    private const int MostKills = 6, Epochs = 10, Steps = Epochs * SmallRuns.Steps / 3;

    public static void Train(string folder, string run) =>
        SmallRuns.Train((SmallRuns.Of(run) with { Epochs = Epochs })
            .In(folder, resume: true) with
        { CheckpointsKept = 2 });

    public static void Run(Tally tally)
    {
        int first = Random.Shared.Next(SmallRuns.All.Count);
        for (int i = 0; i == 0 || tally.IsTimeLeft; i++)
        {
            string name = SmallRuns.All.Keys.ElementAt((first + i) % SmallRuns.All.Count);
            using var temporary = new TemporaryFolder();
            string whole = temporary.File("whole"),
                folder = Directory.CreateDirectory(temporary.File("killed")).FullName;
            tally.Try("runs resumed, " + name, () =>
            {
                Train(whole, name);
                int kills = 0;
                while (kills < MostKills && (kills == 0 || tally.IsTimeLeft) && Kill(tally, folder, name)) kills++;
                using var last = Process.Start(Part.Command("train", folder, name))!;
                last.WaitForExit();
                if (last.ExitCode != 0) throw new InvalidOperationException(
                    $"After {kills} kills, the last process ended with {last.ExitCode}.");
                SmallRuns.AssertSame(SmallRuns.State(SmallRuns.File(whole, Steps)),
                    SmallRuns.State(SmallRuns.File(folder, Steps)));
                Assert.Empty(Directory.GetFiles(folder, "*.tmp"));
            });
        }
    }

    /// <summary>Kills a process at any point of the step, or of the write, that follows
    /// its first new checkpoints.</summary>
    /// <returns>False if it was done before.</returns>
    private static bool Kill(Tally tally, string folder, string name)
    {
        using var process = Process.Start(Part.Command("train", folder, name))!;
        string? before = Newest(folder);
        while (!process.HasExited && Newest(folder) == before) Thread.Sleep(1);
        Thread.Sleep(Random.Shared.Next(40));
        Thread.SpinWait(Random.Shared.Next(200_000));
        process.Refresh();
        tally.TakePeak(Peak(process));
        process.Kill();
        process.WaitForExit();
        if (process.ExitCode == 0) return false;
        int killed = OperatingSystem.IsWindows() ? -1 : 128 + 9;
        tally.Try("kill -9", () =>
        {
            if (process.ExitCode != killed)
                throw new InvalidOperationException($"The process ended by itself, with {process.ExitCode}.");
        });
        return process.ExitCode == killed;
    }

    private static string? Newest(string folder) =>
        Directory.GetFiles(folder, "*.safetensors").Max(StringComparer.Ordinal);

    private static long Peak(Process process)
    {
        try { return process.PeakWorkingSet64; }
        catch (InvalidOperationException) { return 0; }
    }
}
