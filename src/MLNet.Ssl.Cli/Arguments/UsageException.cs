namespace MLNet.Ssl.Cli.Arguments;

/// <summary>The command line, or a file of options that it names, asks for what cannot be.</summary>
internal sealed class UsageException(string message) : Exception(message);
