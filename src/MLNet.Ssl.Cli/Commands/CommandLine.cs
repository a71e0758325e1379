using System.CommandLine;
using System.CommandLine.Help;
using System.Runtime.InteropServices;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>The program: its commands, what becomes of errors, and its exit code.</summary>
internal static class CommandLine
{
    private const string Description = """
        mlssl: self-supervised learning on images and tables, from the command line.

        Pretrain an encoder on data without labels, or take a published one; embed data with it, then search, evaluate
        or fine-tune. Data is a folder of images (their folders are labels), or a CSV, TSV or Parquet file of paths,
        image bytes, or numbers and words.
        """;

    private const string Examples = """
        Begin with:
          mlssl setup                                                  fetches libtorch, once
          mlssl pretrain photos --output photos.mlssl                  learns from a folder of photos
          mlssl embed photos --model photos.mlssl --output embeddings  embeds them, as Parquet
          mlssl index embeddings --output photos.index
          mlssl search photos.index --model photos.mlssl --images photos --page search.html

        'mlssl <command> --help' explains a command, 'mlssl options <record>' every option of the library.
        """;

    /// <summary>Runs a command line.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="output">Receives results.</param>
    /// <param name="error">Receives progress, remarks and errors.</param>
    /// <param name="token">Stops the command, which saves what it can go on from.</param>
    /// <returns>The exit code (<see cref="ExitCode"/>).</returns>
    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken token)
    {
        var session = new Session(output, error, token);
        try
        {
            return Run(session, arguments);
        }
        catch (OperationCanceledException e)
        {
            return End(session, ExitCode.Interrupted, "interrupted", e.Message);
        }
        catch (NoLibTorchException e)
        {
            return End(session, ExitCode.NoLibTorch, "error", e.Message);
        }
        catch (UsageException e)
        {
            return End(session, ExitCode.Usage, "error", e.Message);
        }
        catch (Exception e) when (e
            is IOException or InvalidDataException or InvalidOperationException or ArgumentException
            or UnauthorizedAccessException or NotSupportedException or ArithmeticException)
        {
            return End(session, ExitCode.Failed, "error", WithoutParameter(e.Message));
        }
        // libtorch's own, such as where memory does not suffice: its frames follow in lines of their own.
        catch (Exception e) when (e is ExternalException or OutOfMemoryException)
        {
            return End(session, ExitCode.Failed, "error", e.Message.Split('\n')[0]);
        }
    }

    private static int Run(Session session, IReadOnlyList<string> arguments)
    {
        var root = Root(session, arguments);
        var command = root.Subcommands.FirstOrDefault(command => command.Name == arguments.FirstOrDefault());
        var parsed = root.Parse(command is null ? arguments : Spelling.Normalize(arguments, command));
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpAction and not TeachingHelp)
        {
            foreach (var fault in parsed.Errors) session.Error.WriteLine(
                $"error: {fault.Message}{Suggestion(fault.Message, command ?? root)}");
            session.Error.WriteLine($"'mlssl {(command is null ? "" : $"{command.Name} ")}--help' says what there is.");
            return ExitCode.Usage;
        }
        return parsed.Invoke(new()
        {
            Output = session.Output,
            Error = session.Error,
            EnableDefaultExceptionHandler = false,
            // Ctrl-C is the command's matter.
            ProcessTerminationTimeout = null,
        });
    }

    private static Command Root(Session session, IReadOnlyList<string> arguments)
    {
        // A RootCommand is named after the file that runs, which is not what users start.
        var help = new HelpOption();
        help.Action = new TeachingHelp((HelpAction)help.Action!, $"{Examples}\n\n{ExitCode.Help}");
        return new("mlssl", Description)
        {
            help,
            new VersionOption(),
            PretrainCommand.Create(session, arguments),
            EmbedCommand.Create(session),
            IndexCommand.Create(session),
            SearchCommand.Create(session),
            EvaluateCommand.Create(session),
            FineTuneCommand.Create(session, arguments),
            ExportCommand.Create(session),
            InspectCommand.Create(session),
            ReportCommand.Create(session),
            OptionsCommand.Create(session),
            SetupCommand.Create(session),
        };
    }

    private static string Suggestion(string message, Command command)
    {
        if (message.Split('\'') is not [_, var unknown, ..]) return "";
        bool isFlag = unknown.StartsWith("--", StringComparison.Ordinal);
        var like = Names.Like(unknown, (isFlag ? command.Options.AsEnumerable<Symbol>() : command.Subcommands)
            .Select(known => known.Name));
        return like.Count > 0 ? $" Did you mean {string.Join(" or ", like)}?" : "";
    }

    private static int End(Session session, int code, string kind, string message)
    {
        session.Error.WriteLine($"{kind}: {message}");
        session.Event(new { @event = kind, text = message, exitCode = code });
        return code;
    }

    private static string WithoutParameter(string message) =>
        message.IndexOf(" (Parameter '", StringComparison.Ordinal) is var end and > 0 ? message[..end] : message;
}
