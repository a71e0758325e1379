using System.Text.Json;
using MLNet.Ssl.Cli.Commands;

namespace MLNet.Ssl.Cli.Tests;

/// <summary>What a command line printed and ended with, run in this process.</summary>
internal sealed record Tool(int Code, string Output, string Error)
{
    /// <summary>A network and a run that take a second.</summary>
    public static readonly string[] Small =
    [
        "--backbone", "resnet", "--backbone.blocks-per-stage", "1", "--backbone.width", "8", "--backbone.stem",
            "small-stride2",
        "--image-size", "32", "--batch-size", "16", "--seed", "3", "--threads", "1",
    ];

    public static Tool Run(params IReadOnlyList<string> arguments) => Run(CancellationToken.None, arguments);

    public static Tool Run(CancellationToken token, params IReadOnlyList<string> arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        int code = CommandLine.Run(arguments, output, error, token);
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>A run that must end well.</summary>
    public static Tool Do(params IReadOnlyList<string> arguments)
    {
        var done = Run(arguments);
        Assert.True(done.Code == 0, $"{string.Join(' ', arguments)}\n{done.Output}{done.Error}");
        return done;
    }

    /// <summary>The JSON objects on the output.</summary>
    public IReadOnlyList<JsonElement> Lines() =>
        [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
}
