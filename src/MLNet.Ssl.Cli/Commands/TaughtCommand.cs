using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>A command whose help ends in examples.</summary>
internal sealed class TaughtCommand(string name, string description, string examples) : Command(name, description)
{
    public string Examples => examples;
}

/// <summary>The usual help, and what teaches behind it.</summary>
internal sealed class TeachingHelp : SynchronousCommandLineAction
{
    private const int Width = 120;

    private readonly HelpAction _usual;
    private readonly string _rootExamples;

    public TeachingHelp(HelpAction usual, string rootExamples)
    {
        (_usual, _rootExamples) = (usual, rootExamples);
        if (Console.IsOutputRedirected) usual.MaxWidth = Width;
    }

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        int code = _usual.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        output.WriteLine(parseResult.CommandResult.Command is TaughtCommand command ? command.Examples : _rootExamples);
        return code;
    }
}
