using System.Diagnostics;
using System.Runtime.InteropServices;
using Xunit.Runner.InProc.SystemConsole;

namespace MLNet.Ssl.Tests;

/// <summary>
/// The test program: runs the tests, or is a training run in a process of its own, which tests kill. <c>MLNet.Ssl.Trainers.Tests.dll train folder run [bytes]</c>
/// trains with a checkpoint after every step, and exits with 1 and the message if it cannot write; with bytes no file may grow beyond them.
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
            ["train", var folder, var run, .. var limit] => Train(folder, run, limit.Length > 0 ? ulong.Parse(limit[0]) : null),
            ["step", var network] => RealSizeTests.Step(network),
            _ => ConsoleRunner.Run(args).GetAwaiter().GetResult(),
        };
    }

    /// <summary>How to start this program with these arguments; its errors can be read.</summary>
    public static ProcessStartInfo Command(params string[] arguments) => new(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", typeof(TrainingProcess).Assembly.Location, .. arguments])
    {
        RedirectStandardError = true,
    };

    private static int Train(string folder, string run, ulong? bytes)
    {
        PosixSignalRegistration? ignored = null;
        if (bytes is { } limit)
        {
            ignored = PosixSignalRegistration.Create((PosixSignal)FileSizeSignal, context => context.Cancel = true);
            _ = SetLimit(FileSizeLimit, [limit, limit]);
        }
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
        finally
        {
            ignored?.Dispose();
        }
    }

    [DllImport("libc", EntryPoint = "setrlimit")]
    private static extern int SetLimit(int resource, ulong[] limits);
}
