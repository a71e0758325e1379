using System.Diagnostics;
using System.Runtime.InteropServices;
using Xunit.Runner.InProc.SystemConsole;

namespace MLNet.Ssl.Tests;

/// <summary>
/// The test program: runs the tests, or is a training run in a process of its own, which tests kill.
/// <c>MLNet.Ssl.Trainers.Tests.dll train folder run [bytes]</c> trains with a checkpoint after every step, and
/// exits with 1 and the message if it cannot write; with bytes no file may grow beyond them. Likewise
/// <c>download address folder sha256 [bytes]</c> downloads a file of weights. <c>ranks task …</c> is one of
/// several processes (<see cref="RankProcess"/>), <c>cache task …</c> shares an image cache
/// (<see cref="CacheProcess"/>). The other tasks measure what they must have the process to themselves for.
/// </summary>
internal static class TrainingProcess
{
    private const int FileSizeLimit = 1, FileSizeSignal = 25;

    /// <summary>One whose step takes most of the time, and one whose checkpoints do.</summary>
    public static IReadOnlyDictionary<string, PretrainOptions> Runs { get; } = new Dictionary<string, PretrainOptions>
    {
        ["steps"] = Tests.SmallRuns.Of("DINO, SDMP") with { Epochs = 10 },
        ["writes"] = (MoCoOptions)Tests.SmallRuns.Of("table: MoCo, i-Mix, InputMix") with
        {
            Epochs = 10,
            Backbone = new TabularMlpOptions { InputWidth = 64, HiddenWidths = [256, 256], OutputWidth = 512 },
        },
    };

    public static int Main(string[] args)
    {
        return args switch
        {
            ["train", var folder, var run, .. var limit] => Limited(limit, () => Train(folder, run)),
            ["download", var address, var cache, var hash, .. var limit] =>
                Limited(limit, () => WeightDownloadTests.DownloadAlone(address, cache, hash)),
            ["step", var network] => RealSizeTests.Step(network),
            ["ranks", .. var task] => RankProcess.Run(task),
            ["cache", .. var task] => CacheProcess.Run(task),
            ["memory", var run] => NativeMemoryTests.Measure(run),
            ["tensors", var folder] => ResumeTests.CountTensors(folder),
            ["statistics"] => BatchNormTests.Normalise(),
            _ => ConsoleRunner.Run(args).GetAwaiter().GetResult(),
        };
    }

    /// <summary>How to start this program with these arguments; its errors can be read.</summary>
    public static ProcessStartInfo Command(params string[] arguments) => new(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
            ?? "dotnet", ["exec", typeof(TrainingProcess).Assembly.Location, .. arguments])
    {
        RedirectStandardError = true,
    };

    /// <summary>Starts this program with these arguments; it must end with 0.</summary>
    public static void MustSucceed(ProcessStartInfo command)
    {
        using var process = Process.Start(command)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode}: {errors}");
        Assert.Empty(errors);
    }

    private static int Train(string folder, string run)
    {
        try
        {
            Tests.SmallRuns.Train(Runs[run].In(folder, resume: true) with { CheckpointsKept = 2 });
            return 0;
        }
        catch (IOException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static int Limited(string[] bytes, Func<int> action)
    {
        if (bytes.Length == 0) return action();
        using var ignored =
            PosixSignalRegistration.Create((PosixSignal)FileSizeSignal, context => context.Cancel = true);
        ulong limit = ulong.Parse(bytes[0]);
        _ = SetLimit(FileSizeLimit, [limit, limit]);
        return action();
    }

    [DllImport("libc", EntryPoint = "setrlimit")]
    private static extern int SetLimit(int resource, ulong[] limits);
}
