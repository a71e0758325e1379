namespace MLNet.Ssl.Cli.Terminal;

/// <summary>What the program's exit says; the help and the documentation list them.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Data, a file or a setting is not as it must be; the last line says which.</summary>
    public const int Failed = 1;

    /// <summary>The command line, or a file of options, is refused.</summary>
    public const int Usage = 2;

    /// <summary>libtorch is not there.</summary>
    public const int NoLibTorch = 3;

    /// <summary>Stopped by Ctrl-C or SIGTERM; what was done is saved where the command can go on.</summary>
    public const int Interrupted = 130;

    /// <summary>The list for the help.</summary>
    public const string Help = """
        Exit codes:
          0    done
          1    failed: the last line names the file, column, row or option, and what was expected
          2    the command line or the file of options is refused
          3    libtorch is not here: run 'mlssl setup' once
          130  stopped by Ctrl-C or SIGTERM; the last line says how to go on
        """;
}
