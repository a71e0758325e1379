using System.Diagnostics;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Several processes on this machine, as mpirun starts them, against one.</summary>
[Collection(nameof(Alone))]
public sealed class RanksTests : IDisposable
{
    private const double Tolerance = 1e-5, LeastMove = 1e-2;

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void TwoRanksWithHalfABatchEachLearnWhatOneLearns() =>
        AssertEqual("mpirun.openmpi", 2, [.. RankRuns.Equal.Keys]);

    [Fact]
    public void FourRanksLearnWhatOneLearns() => AssertEqual("mpirun.openmpi", 4, ["DINO", "SimCLR", "BYOL"]);

    [Fact]
    public void MpichsRanksLearnWhatOneLearns() => AssertEqual("mpirun.mpich", 2, ["MoCo v2", "MoCo v3, ResNet"]);

    [Fact]
    public void MixedRunsGoOnWhereTheyWereCutOffToTheBit()
    {
        string whole = _temporary.File("whole"), cut = _temporary.File("cut");
        string[] names = [.. RankRuns.Mixed.Keys, "MoCo v2"];
        Launch("mpirun.openmpi", 2, ["train", whole, "3", .. names]);
        foreach (string name in names)
        {
            Directory.CreateDirectory(Path.Combine(cut, name));
            File.Copy(SmallRuns.File(Path.Combine(whole, name), 3), SmallRuns.File(Path.Combine(cut, name), 3));
        }
        Launch("mpirun.openmpi", 2, ["train", cut, "3", .. names]);
        foreach (string name in names) SmallRuns.AssertSame(State(whole, name), State(cut, name));
        var refused = Assert.Throws<ArgumentException>(() => RankProcess.Train("MoCo v2", cut, 3));
        Assert.Contains("Processes was 2 and is 1", refused.Message);

        Dictionary<string, byte[]> State(string folder, string name) =>
            SmallRuns.State(SmallRuns.File(Path.Combine(folder, name), RankRuns.Steps));
    }

    [Theory]
    [InlineData("option", "LearningRate is 0.1 on rank 0 and 0.2 on rank 1")]
    [InlineData("data", "Fingerprint of the data is ")]
    public void ARankWithOtherOptionsOrDataIsRefusedOnAllRanks(string what, string message)
    {
        var (exit, _, errors) = Run("mpirun.openmpi", 2, ["differ", what]);
        Assert.NotEqual(0, exit);
        Assert.Contains($"rank 0: The 2 processes do not train the same: {message}", errors);
        Assert.Contains($"rank 1: The 2 processes do not train the same: {message}", errors);
    }

    [Fact]
    public async Task ARankThatIsKilledEndsTheOthers()
    {
        string folder = Directory.CreateDirectory(_temporary.File("killed")).FullName;
        using var process = Process.Start(RankProcess.Command("mpirun.openmpi", 2, ["endless", folder]))!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        while (!File.Exists(Path.Combine(folder, "training")) && !process.HasExited) Thread.Sleep(20);
        using (var rank = Process.GetProcessById(int.Parse(File.ReadAllText(Path.Combine(folder, "pid1")))))
            rank.Kill();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)), "mpirun still runs");
        Assert.False(Runs(File.ReadAllText(Path.Combine(folder, "pid0"))), "mpirun ended, and rank 0 did not");
        Assert.NotEqual(0, process.ExitCode);
        await output;
        Assert.Contains("rank 1", await errors);
        Assert.Contains("signal 9", await errors);

        // One that has ended may wait for somebody to ask for its exit code.
        static bool Runs(string id) =>
            File.Exists($"/proc/{id}/status") && !File.ReadAllText($"/proc/{id}/status").Contains("State:\tZ");
    }

    private void AssertEqual(string launcher, int ranks, string[] names)
    {
        string several = _temporary.File("several"), one = _temporary.File("one");
        Launch(launcher, ranks, ["train", several, "1", .. names]);
        var (lines, failed) = (new List<string>(), false);
        foreach (string name in names)
        {
            RankProcess.Train(name, one, 1);
            using var scope = NewDisposeScope();
            var (first, last) = (State(one, name, 1), State(one, name, RankRuns.Steps));
            double move = last.Keys.Where(IsWeight).Max(key => (first[key] - last[key]).abs().max().ToNumber());
            // The first step's momenta are its gradients; later ones grow the rounding of the sums.
            var start = Worst(first, State(several, name, 1), IsCompared);
            var end = Worst(last, State(several, name, RankRuns.Steps), IsWeight);
            lines.Add($"{name}: weights move by {move:0.000}; by {start.Difference:0.0E0} differs {start.Key} first, "
                + $"and by {end.Difference:0.0E0} {end.Key} in the end");
            failed |= !(move > LeastMove && start.Difference <= Tolerance && end.Difference <= Tolerance);
        }
        Assert.False(failed, string.Join('\n', lines));

        static Dictionary<string, Tensor> State(string folder, string name, int step) =>
            SafeTensors.Read(SmallRuns.File(Path.Combine(folder, name), step));
        // Running statistics of groups are those of the groups on rank 0; training does not read them.
        static bool IsCompared(string key) => !key.Contains("running_") && !key.Contains("num_batches");
        static bool IsWeight(string key) =>
            IsCompared(key) && !key.StartsWith("optimizer") && !key.StartsWith("queue_ptr");
    }

    private static (double Difference, string Key) Worst(Dictionary<string, Tensor> expected,
        Dictionary<string, Tensor> actual, Func<string, bool> isCompared)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        return expected.Keys.Where(isCompared)
            .Select(key => ((expected[key] - actual[key]).abs().max()
                .ToNumber() / Math.Max(1, expected[key].abs().max().ToNumber()), key)).Max();
    }

    private static void Launch(string launcher, int ranks, string[] task)
    {
        var (exit, output, errors) = Run(launcher, ranks, task);
        Assert.True(exit == 0, $"{launcher} ended with {exit}: {output}{errors}");
    }

    private static (int Exit, string Output, string Errors) Run(string launcher, int ranks, string[] task) =>
        MpiRun.ToItsEnd(RankProcess.Command(launcher, ranks, task));
}
