using System.CommandLine;
using System.Diagnostics;
using MLNet.Ssl.Cli.Terminal;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>What pretraining and fine-tuning have around them: the run's folder, its log, report and curves, and how to
/// go on.</summary>
internal sealed class TrainingJob
{
    private readonly Option<string?> _report = Flags.Of<string?>("--report", "file",
        "HTML page that receives a report of the run");
    private readonly Option<string?> _board = Flags.Of<string?>("--tensorboard", "folder",
        "Folder that receives the run's curves, for tensorboard --logdir");
    private readonly Option<string?> _log = Flags.Of<string?>("--log", "file",
        "File that receives the run's log, JSON lines that 'mlssl report' reads [run.jsonl in the run's folder]");
    private readonly Session _session;

    public TrainingJob(Command command, Session session)
    {
        _session = session;
        command.Add(_report);
        command.Add(_board);
        command.Add(_log);
    }

    /// <summary>Runs what trains; of several processes the first one writes and tells.</summary>
    /// <param name="options">The options; without a folder of checkpoints they get one beside the output, which is
    /// empty in the end.</param>
    /// <param name="output">The file that the network goes to.</param>
    /// <param name="goOn">The command line that goes on where a stopped run stands.</param>
    /// <param name="train">Trains, and writes the output.</param>
    /// <param name="write">Writes the report.</param>
    public void Run<TOptions, TResult>(ParseResult parsed, TOptions options, string output, string goOn,
        Func<TOptions, TResult> train, Action<PretrainReport, string, TResult> write)
        where TOptions : TrainingOptions where TResult : IDisposable
    {
        bool isFirst = World.Rank == 0;
        _session.Quiet |= !isFirst;
        string folder = options.CheckpointFolder ?? Path.ChangeExtension(output, ".run");
        string log = parsed.GetValue(_log) ?? Path.Combine(folder, "run.jsonl");
        // A run that begins anew is told of from its beginning.
        if (isFirst && !options.Resume && File.Exists(log) && !HasCheckpoints(folder)) File.Delete(log);
        long start = Stopwatch.GetTimestamp();
        var report = new PretrainReport();
        using var lines = new RunJournal(_session, isFirst ? log : null);
        using var board = isFirst && parsed.GetValue(_board) is { } curves ? new TensorBoardWriter(curves) : null;
        TResult result;
        try
        {
            _session.IsWatched = true;
            result = train((TOptions)(options with
            {
                CheckpointFolder = folder,
                Progress = new ProgressGroup([.. Display(), lines, report, .. Curves(board)]),
                CancellationToken = _session.Token,
            }));
        }
        catch (OperationCanceledException e)
        {
            string hint = HasCheckpoints(folder) ? $"{e.Message} Go on with: {goOn}" : e.Message;
            throw new OperationCanceledException(hint, e, e.CancellationToken);
        }
        finally
        {
            _session.IsWatched = false;
        }
        using (result)
        {
            if (!isFirst) return;
            if (parsed.GetValue(_report) is { } page)
            {
                write(report, page, result);
                _session.Say($"wrote {page}");
            }
        }
        var took = Stopwatch.GetElapsedTime(start);
        string end = $"wrote {output} after {ProgressLines.Duration(took)}; the run's log is {log}";
        if (lines.IsAtEnd)
        {
            if (options.CheckpointFolder is null) RemoveCheckpoints(folder);
        }
        else end += $". The run has not come to its end; go on with: {goOn}";
        _session.Result(end, new
        {
            @event = "done",
            output,
            log,
            seconds = Math.Round(took.TotalSeconds, 1),
            isAtEnd = lines.IsAtEnd,
        });
    }

    private static IEnumerable<IProgress<TrainingProgress>> Curves(TensorBoardWriter? board) =>
        board is null ? [] : [board];

    private IEnumerable<IProgress<TrainingProgress>> Display() => _session.Json || _session.Quiet ? []
        : [new ConsoleProgress(_session.Error, _session.IsTerminal ? () => Console.WindowWidth : null)];

    /// <summary>The command line that goes on.</summary>
    public static string GoOn(IReadOnlyList<string> arguments)
    {
        var words = arguments.Select(argument => argument.Any(c => !char.IsLetterOrDigit(c) && !"-_./=,:+@".Contains(c))
            || argument.Length == 0
            ? $"'{argument.Replace("'", "'\\''")}'" : argument).ToList();
        if (!Arguments.Spelling.Has(arguments, "--resume")) words.Add("--resume");
        return $"mlssl {string.Join(' ', words)}";
    }

    private static bool HasCheckpoints(string folder) =>
        Directory.Exists(folder) && Directory.EnumerateFiles(folder, "checkpoint-*.safetensors").Any();

    private static void RemoveCheckpoints(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "checkpoint-*")
            .Append(Path.Combine(folder, "run.lock"))) File.Delete(file);
    }
}
