using System.CommandLine;
using Microsoft.ML;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>The flags of every command.</summary>
internal sealed class CommonFlags
{
    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print results and progress for machines, a JSON object a line",
    };
    private readonly Option<bool> _quiet = new("--quiet") { Description = "Print results, warnings and errors alone" };
    private readonly Option<int?> _gpu = Flags.Of<int?>("--gpu", "number",
        "Number of the GPU to compute on [none: the processor]");
    private readonly bool _computes;

    public CommonFlags(Command command, bool computes)
    {
        _computes = computes;
        if (computes) command.Add(_gpu);
        command.Add(_json);
        command.Add(_quiet);
    }

    public void Apply(ParseResult parsed, Session session) =>
        (session.Json, session.Quiet) = (parsed.GetValue(_json), parsed.GetValue(_quiet));

    public MLContext Context(ParseResult parsed, Session session) =>
        session.Context(_computes ? parsed.GetValue(_gpu) : null);
}
