using MLNet.Ssl.Cli.Commands;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        // OpenMP's spinning threads collapse on a busy machine; it reads the variable when libtorch is loaded.
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY")
            is null) Environment.SetEnvironmentVariable("OMP_WAIT_POLICY", "PASSIVE");
        using var interruption = new Interruption(Console.Error);
        return CommandLine.Run(arguments, Console.Out, Console.Error, interruption.Token);
    }
}
