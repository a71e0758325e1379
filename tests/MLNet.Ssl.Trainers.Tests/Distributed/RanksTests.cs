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

    [Theory]
    [InlineData("mpirun.openmpi", 2)]
    [InlineData("mpirun.mpich", 2)]
    public void TwoRanksWithHalfABatchEachLearnWhatOneLearns(string launcher, int ranks) => AssertEqual(launcher, ranks, [.. RankRuns.Equal.Keys]);

    [Fact]
    public void FourRanksLearnWhatOneLearns() => AssertEqual("mpirun.openmpi", 4, ["DINO", "SimCLR", "MoCo v3, ResNet", "BYOL"]);

    [Fact]
    public void MixedRunsGoOnWhereTheyWereCutOffToTheBit()
    {
        string whole = _temporary.File("whole"), cut = _temporary.File("cut");
        string[] names = [.. RankRuns.Mixed.Keys, "MoCo v2"];
        Launch("mpirun.openmpi", 2, ["train", whole, .. names]);
        foreach (string name in names)
        {
            Directory.CreateDirectory(Path.Combine(cut, name));
            File.Copy(SmallRuns.File(Path.Combine(whole, name), 3), SmallRuns.File(Path.Combine(cut, name), 3));
        }
        Launch("mpirun.openmpi", 2, ["train", cut, .. names]);
        foreach (string name in names) SmallRuns.AssertSame(State(whole, name), State(cut, name));
        var refused = Assert.Throws<ArgumentException>(() => RankProcess.Train("MoCo v2", cut));
        Assert.Contains("Processes was 2 and is 1", refused.Message);

        Dictionary<string, byte[]> State(string folder, string name) => SmallRuns.State(SmallRuns.File(Path.Combine(folder, name), RankRuns.Steps));
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
        using var process = Start("mpirun.openmpi", 2, ["endless", folder]);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        while (!File.Exists(Path.Combine(folder, "training")) && !process.HasExited) Thread.Sleep(20);
        using var other = Process.GetProcessById(int.Parse(File.ReadAllText(Path.Combine(folder, "pid0"))));
        using (var rank = Process.GetProcessById(int.Parse(File.ReadAllText(Path.Combine(folder, "pid1"))))) rank.Kill();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)), "rank 0 still runs");
        Assert.True(other.HasExited, "mpirun ended, and rank 0 did not");
        Assert.NotEqual(0, process.ExitCode);
        await output;
        Assert.Contains("rank 1", await errors);
        Assert.Contains("signal 9", await errors);
    }

    private void AssertEqual(string launcher, int ranks, string[] names)
    {
        string several = _temporary.File("several"), one = _temporary.File("one");
        Launch(launcher, ranks, ["train", several, .. names]);
        foreach (string name in names)
        {
            RankProcess.Train(name, one);
            using var scope = NewDisposeScope();
            var (start, end) = (State(one, name, 1), State(one, name, RankRuns.Steps));
            var actual = State(several, name, RankRuns.Steps);
            Assert.Equal(end.Keys.Order(), actual.Keys.Order());
            double move = end.Keys.Where(IsCompared).Max(key => Distance(start[key], end[key]));
            Assert.True(move > LeastMove, $"{name}: nothing moved by more than {move}.");
            foreach (string key in end.Keys.Where(IsCompared))
            {
                double distance = Distance(end[key], actual[key]);
                Assert.True(distance <= Tolerance, $"{name}: {key} differs by {distance} where weights move by {move}.");
            }
        }

        static Dictionary<string, Tensor> State(string folder, string name, int step) => SafeTensors.Read(SmallRuns.File(Path.Combine(folder, name), step));
        // Running statistics of groups are those of the groups on rank 0; training does not read them.
        static bool IsCompared(string key) => !key.Contains("running_") && !key.Contains("num_batches");
        static double Distance(Tensor a, Tensor b) => (a - b).abs().max().ToNumber();
    }

    private static void Launch(string launcher, int ranks, string[] task)
    {
        var (exit, output, errors) = Run(launcher, ranks, task);
        Assert.True(exit == 0, $"{launcher} ended with {exit}: {output}{errors}");
    }

    private static (int Exit, string Output, string Errors) Run(string launcher, int ranks, string[] task)
    {
        using var process = Start(launcher, ranks, task);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    private static Process Start(string launcher, int ranks, string[] task)
    {
        bool found = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, launcher)));
        Assert.SkipUnless(found, $"{launcher} is not installed (Debian and Ubuntu: {(launcher.EndsWith("mpich") ? "mpich" : "openmpi-bin")}).");
        return Process.Start(RankProcess.Command(launcher, ranks, task))!;
    }
}
