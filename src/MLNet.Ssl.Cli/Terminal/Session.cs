using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML;

namespace MLNet.Ssl.Cli.Terminal;

/// <summary>Where a command speaks to: results on the output, all else beside it; or with --json an object a line on
/// the output.</summary>
internal sealed class Session(TextWriter output, TextWriter error, CancellationToken token)
{
    private static readonly JsonSerializerOptions Compact = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly Lock _gate = new();

    /// <summary>Ends when the user stops the command.</summary>
    public CancellationToken Token => token;

    public TextWriter Output => output;

    public TextWriter Error => error;

    /// <summary>Whether machines listen.</summary>
    public bool Json { get; set; }

    /// <summary>Whether progress and remarks are left out.</summary>
    public bool Quiet { get; set; }

    /// <summary>Whether a run tells its observers what it would else tell ML.NET's log.</summary>
    public bool IsWatched { get; set; }

    /// <summary>Whether somebody looks at a terminal, where a line can be drawn again.</summary>
    public bool IsTerminal => !Json && !Quiet && ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;

    /// <summary>An object of the JSON lines that --json prints and a run's log holds.</summary>
    public static string Line(object value) => JsonSerializer.Serialize(value, Compact);

    /// <summary>A result: text for people, an object for machines.</summary>
    public void Result(string text, object value)
    {
        lock (_gate) output.WriteLine(Json ? Line(value) : text);
    }

    /// <summary>An object for machines alone.</summary>
    public void Event(object value)
    {
        if (!Json) return;
        lock (_gate)
        {
            output.WriteLine(Line(value));
            output.Flush();
        }
    }

    /// <summary>A remark for people.</summary>
    public void Say(string text)
    {
        if (Json || Quiet) return;
        lock (_gate) error.WriteLine(text);
    }

    /// <summary>A remark that machines are told too.</summary>
    public void Warn(string text)
    {
        lock (_gate) error.WriteLine($"warning: {text}");
        Event(new { @event = "warning", text });
    }

    /// <summary>An ML.NET context whose warnings and settings are heard.</summary>
    /// <param name="gpu">The GPU; null for the processor.</param>
    public MLContext Context(int? gpu)
    {
        var context = new MLContext { GpuDeviceId = gpu, FallbackToCpu = false };
        context.Log += (_, message) =>
        {
            // Of what a run tells, its observers hear all but which images it could not read.
            bool isHeard = IsWatched && !message.Source.EndsWith("Images", StringComparison.Ordinal);
            if (isHeard || !IsOurs(message.Source)) return;
            if (message.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning) Warn(message.RawMessage);
            else if (message.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Info) Say(message.RawMessage);
        };
        return context;
    }

    private static bool IsOurs(string source) =>
        new[] { "Pretrain", "LoadPretrained", "FineTune", "Distill", "Embed", "Classify", "Evaluate", "LoadModel" }
            .Any(name => source.StartsWith(name, StringComparison.Ordinal));
}
