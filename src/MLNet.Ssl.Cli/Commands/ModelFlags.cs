using System.CommandLine;
using Microsoft.ML;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>The flags that name an encoder.</summary>
internal sealed class ModelFlags
{
    private readonly Option<string?> _model;
    private readonly Option<bool> _download = new("--download")
    {
        Description = "Fetch a published network that is not on this machine",
    };
    private readonly OptionFlags _options = new(typeof(PretrainedOptions), "model.",
        nameof(PretrainedOptions.OnUnreadableImage));

    public ModelFlags(Command command, bool required)
    {
        _model = new("--model")
        {
            Description =
                "The encoder: a model (.mlssl), weights (.safetensors, .pth), or the name of a published network such "
                + "as dinov2_vits14",
            HelpName = "file|name",
            Required = required,
        };
        command.Add(_model);
        command.Add(_download);
        _options.AddTo(command);
    }

    public string? Name(ParseResult parsed) => parsed.GetValue(_model);

    public LoadedModel Load(ParseResult parsed, MLContext context, Session session) =>
        Load(parsed, context, session, parsed.GetValue(_model)!);

    public LoadedModel Load(ParseResult parsed, MLContext context, Session session, string path)
    {
        var options = (PretrainedOptions)_options.Create(parsed);
        return LoadedModel.Load(context, path, options, parsed.GetValue(_download) ? model => Download(model, session)
            : null);
    }

    private static void Download(PretrainedModel model, Session session)
    {
        session.Say($"downloading {model.Name}, {model.License}");
        PretrainedModels.Download(model, cancellation: session.Token);
    }
}
