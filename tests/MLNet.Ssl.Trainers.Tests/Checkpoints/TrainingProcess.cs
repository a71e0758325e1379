using System.Runtime.InteropServices;

namespace MLNet.Ssl.Tests;

/// <summary>
/// This assembly as a program: a training run in a process of its own, which tests kill. <c>dotnet exec MLNet.Ssl.Trainers.Tests.dll folder run [bytes]</c>
/// trains with a checkpoint after every step, and exits with 1 and the message if it cannot write; with bytes no file may grow beyond them.
/// </summary>
internal static class TrainingProcess
{
    private const int FileSizeLimit = 1, FileSizeSignal = 25;

    /// <summary>One whose step takes most of the time, and one whose checkpoints do.</summary>
    public static IReadOnlyDictionary<string, PretrainOptions> Runs { get; } = new Dictionary<string, PretrainOptions>
    {
        ["steps"] = Tests.Runs.Of("DINO, SDMP") with { Epochs = 10 },
        ["writes"] = (MoCoOptions)Tests.Runs.Of("table: MoCo, i-Mix, InputMix") with
        {
            Epochs = 10,
            Backbone = new TabularMlpOptions { InputWidth = 64, HiddenWidths = [256, 256], OutputWidth = 512 },
        },
    };

    public static int Main(string[] args)
    {
        string folder = args[0];
        PosixSignalRegistration? ignored = null;
        if (args.Length > 2)
        {
            ignored = PosixSignalRegistration.Create((PosixSignal)FileSizeSignal, context => context.Cancel = true);
            ulong bytes = ulong.Parse(args[2]);
            _ = SetLimit(FileSizeLimit, [bytes, bytes]);
        }
        try
        {
            Tests.Runs.Train(Runs[args[1]].In(folder, resume: true) with { CheckpointsKept = 2 });
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
