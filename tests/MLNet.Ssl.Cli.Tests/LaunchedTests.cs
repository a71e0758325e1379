using MLNet.Ssl.Cli.Embeddings;

namespace MLNet.Ssl.Cli.Tests;

/// <summary>The program as mpirun starts it: every process runs the same command.</summary>
[Collection(nameof(CommandTests))]
public sealed class LaunchedTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ProcessesTrainTogetherTheFirstWritesAndEachEmbedsItsShard()
    {
        string photos = RealData.Path("photos"), model = _folder.File("m.mlssl"), embeddings = _folder.File("e");
        var (output, error) = Launch(["pretrain", photos, "--output", model, "--epochs", "2", .. Tool.Small,
            "--image-cache", _folder.File("cache"), "--evaluation-train", photos, "--evaluation-test", photos,
            "--report", _folder.File("run.html")]);
        Assert.Contains("2 processes on 1 host", File.ReadAllText(_folder.File("m.run/run.jsonl")));
        Assert.Single(output.Split('\n'), line => line.Contains("wrote"));
        Assert.Single(error.Split('\n'), line => line.Contains("SimCLR on"));
        Assert.Single(File.ReadAllLines(_folder.File("m.run/run.jsonl")), line => line.Contains("\"start\""));
        Assert.Equal(["run.jsonl"], Directory.GetFileSystemEntries(_folder.File("m.run")).Select(Path.GetFileName));
        Assert.True(File.Exists(_folder.File("run.html")));

        string classifier = _folder.File("c.mlssl");
        (output, error) = Launch(["finetune", photos, "--model", model, "--output", classifier, "--validation", photos,
            "--epochs", "1", "--batch-size", "16", "--threads", "1"]);
        Assert.Single(output.Split('\n'), line => line.Contains("wrote"));

        (output, error) = Launch(["embed", photos, "--model", model, "--output", embeddings]);
        Assert.Equal(2, output.Split('\n').Count(line => line.Contains("embedded")));
        for (int rank = 0; rank < 2; rank++)
            Assert.Contains($"shard {rank} of 2 (2 processes on 1 host, started by mpirun", error);
        var set = EmbeddingSet.Open([embeddings]);
        Assert.Equal((2, Directory.EnumerateFiles(photos, "*.jpg", SearchOption.AllDirectories).Count()),
            (set.Header!.Shards, set.Rows));
    }

    private static (string Output, string Error) Launch(params string[] command)
    {
        string tool = typeof(Commands.CommandLine).Assembly.Location;
        var start = MpiRun.Command("mpirun.openmpi", 2,
            [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec", tool, .. command]);
        start.Environment["MLNETSSL_LIBTORCH"] = AppContext.BaseDirectory;
        var (exit, output, error) = MpiRun.ToItsEnd(start);
        Assert.True(exit == 0, $"{exit}: {output}{error}");
        return (output, error);
    }
}
