using System.CommandLine;
using Microsoft.ML;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>The flags that name an encoder.</summary>
internal sealed class ModelFlags
{
    /// <summary>What stands before the library's options of an encoder, but for <see cref="Own"/>.</summary>
    public const string Prefix = "model.";

    private readonly Option<string?> _model;
    private readonly Option<bool> _download = new("--download")
    {
        Description = "Fetch a published network that is not on this machine",
    };
    private readonly OptionFlags _options = new(typeof(PretrainedOptions), Prefix, Own);
    private readonly Option<OnUnreadableImage> _unreadable = Flags.Of<OnUnreadableImage>("--on-unreadable-image",
        "throw|skip", "What is done with an image that cannot be read");
    private readonly Option<bool?> _upright = Flags.Of<bool?>("--apply-exif-orientation", "true|false",
        "Turn images as the orientation in their EXIF data says [as the model was trained]");

    /// <param name="required">Whether there is no command without an encoder.</param>
    /// <param name="reads">Whether it embeds images.</param>
    /// <param name="skips">Whether it can leave one out.</param>
    public ModelFlags(Command command, bool required, bool reads = false, bool skips = false)
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
        if (skips) command.Add(_unreadable);
        if (reads) command.Add(_upright);
        _options.AddTo(command);
    }

    /// <summary>Options that commands have flags of their own for, which go for every encoder.</summary>
    public static IReadOnlyList<string> Own { get; } =
        [nameof(PretrainedOptions.OnUnreadableImage), nameof(PretrainedOptions.ApplyExifOrientation)];

    public string? Name(ParseResult parsed) => parsed.GetValue(_model);

    public LoadedModel Load(ParseResult parsed, MLContext context, Session session) =>
        Load(parsed, context, session, parsed.GetValue(_model)!);

    public LoadedModel Load(ParseResult parsed, MLContext context, Session session, string path)
    {
        var options = (PretrainedOptions)_options.Create(parsed);
        if (options != new PretrainedOptions() && FileKinds.IsModel(path))
            throw new UsageException(
                $"'{path}' is a model, which says what its network is: --{Prefix}… is for weights.");
        var model = LoadedModel.Load(context, path, options,
            parsed.GetValue(_download) ? known => Download(known, session) : null);
        model.Encoder.OnUnreadableImage = parsed.GetValue(_unreadable);
        if (parsed.GetValue(_upright) is { } upright) model.Encoder.ApplyExifOrientation = upright;
        return model;
    }

    private static void Download(PretrainedModel model, Session session)
    {
        session.Say($"downloading {model.Name}, {model.License}");
        PretrainedModels.Download(model, cancellationToken: session.Token);
    }
}
