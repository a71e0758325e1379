using System.Diagnostics;
using System.Globalization;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public sealed class KilledProcessTests : IDisposable
{
    private const int LeastKills = 2, UsualSeconds = 8;

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("steps")]
    [InlineData("writes")]
    public void ARunKilledAgainAndAgainEndsInTheBitsOfAnUninterruptedOne(string run)
    {
        string whole = _temporary.File("whole"), folder = Directory.CreateDirectory(_temporary.File("killed")).FullName;
        SmallRuns.Train(TrainingProcess.Runs[run].In(whole) with { CheckpointsKept = 1 });
        int steps = (int)Newest(whole), seed =
            int.Parse(Environment.GetEnvironmentVariable("MLNETSSL_KILL_SEED") ?? "1", CultureInfo.InvariantCulture);
        int seconds = int.Parse(Environment.GetEnvironmentVariable("MLNETSSL_KILL_SECONDS")
            ?? $"{UsualSeconds}", CultureInfo.InvariantCulture);
        var (random, clock, kills, duringWrites) = (new Random(seed), Stopwatch.StartNew(), 0, 0);
        while ((kills < LeastKills || clock.Elapsed.TotalSeconds < seconds) && Newest(folder) < steps)
        {
            using var process = Start(folder, run);
            long before = Newest(folder);
            while (!process.HasExited && Newest(folder) == before) Thread.Sleep(1);
            // After its first new checkpoint: at any point of the step or of the write that follow.
            Thread.Sleep(random.Next(20));
            Thread.SpinWait(random.Next(200_000));
            process.Kill();
            process.WaitForExit();
            if (process.ExitCode == 0) break;
            kills++;
            duringWrites += Directory.GetFiles(folder, "*.tmp").Length;
        }
        Assert.True(kills >= LeastKills, $"{kills} kills are too few to tell");
        using (var last = Start(folder, run))
        {
            last.WaitForExit();
            Assert.Equal(0, last.ExitCode);
        }
        SmallRuns.AssertSame(SmallRuns.State(SmallRuns.File(whole, steps)),
            SmallRuns.State(SmallRuns.File(folder, steps)));
        Assert.Empty(Directory.GetFiles(folder, "*.tmp"));
        Console.WriteLine($"{run}: {kills} kills, {duringWrites} of them during a write.");
    }

    [Fact]
    public void AFullDiskIsToldAndLeavesTheCheckpointBefore()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(),
            "Limits the size of files, which this test does by a call of Linux.");
        string whole = _temporary.File("whole"), folder = Directory.CreateDirectory(_temporary.File("full")).FullName;
        SmallRuns.Train(TrainingProcess.Runs["steps"].In(whole));
        File.Copy(SmallRuns.File(whole, 3), SmallRuns.File(folder, 3));
        var intact = File.ReadAllBytes(SmallRuns.File(folder, 3));
        using (var process = Start(folder, "steps", $"{intact.Length / 2}"))
        {
            string message = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 1, message);
            Assert.Contains($"The checkpoint of step 4 cannot be written to CheckpointFolder '{folder}'", message);
            Assert.Contains("The one of step 3 is intact.", message);
        }
        Assert.Equal([SmallRuns.File(folder, 3)], Directory.GetFiles(folder, "checkpoint*"));
        Assert.Equal(intact, File.ReadAllBytes(SmallRuns.File(folder, 3)));
        using (var process = Start(folder, "steps")) process.WaitForExit();
        SmallRuns.AssertSame(SmallRuns.State(SmallRuns.File(whole, (int)Newest(whole))),
            SmallRuns.State(SmallRuns.File(folder, (int)Newest(folder))));
    }

    private static Process Start(string folder, params string[] arguments) =>
        Process.Start(TrainingProcess.Command(["train", folder, .. arguments]))!;

    /// <summary>The newest checkpoint's step; -1 without one.</summary>
    private static long Newest(string folder) => Directory.GetFiles(folder, "*.safetensors")
        .Select(file => long.Parse(Path.GetFileNameWithoutExtension(file)["checkpoint-".Length..],
            CultureInfo.InvariantCulture)).DefaultIfEmpty(-1).Max();
}
