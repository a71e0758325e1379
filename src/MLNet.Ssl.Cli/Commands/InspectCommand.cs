using System.CommandLine;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Says what is in a file or folder.</summary>
internal static class InspectCommand
{
    private const string Examples = """
        Examples:
          mlssl inspect photos.mlssl              a model: its steps, network, method and options
          mlssl inspect dino_deitsmall16.pth      weights: which networks stand in them, and what --model would take
          mlssl inspect photos.run                the checkpoints of a run
          mlssl inspect photos.index
          mlssl inspect embeddings                whether all shards are there
          mlssl inspect weights.safetensors --tensors

        Nothing in a file is executed, and libtorch is not needed but to say what --model would take of weights.
        """;

    public static Command Create(Session session)
    {
        var path = new Argument<string>("path")
        {
            Description = "Model, weights, checkpoint, index, embeddings, log, image, or a folder of such",
        };
        var tensors = new Option<bool>("--tensors") { Description = "List every tensor of a file of weights" };
        var command =
            new TaughtCommand("inspect", "Say what is in a model, checkpoint, file of weights, index, or folder.",
            Examples) { path, tensors };
        var common = new CommonFlags(command, computes: false);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            var found = Inspection.Of(parsed.GetValue(path)!, parsed.GetValue(tensors));
            session.Result(found.Text(), found.Facts);
            return ExitCode.Done;
        });
        return command;
    }
}
