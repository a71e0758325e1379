using System.Text.Json;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl.Cli.Terminal;

/// <summary>
/// The log of a run as JSON lines: what it was to do, its progress, its warnings. 'mlssl report' draws it; a run that
/// goes on adds to it.
/// </summary>
internal sealed class RunJournal : IProgress<TrainingProgress>, IRunObserver, IDisposable
{
    private readonly Session _session;
    private readonly StreamWriter? _file;

    /// <param name="session">Where the same lines go with --json.</param>
    /// <param name="path">The file, which is added to; null for none.</param>
    public RunJournal(Session session, string? path)
    {
        _session = session;
        if (path is null) return;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        bool isCut = IsCut(file);
        _file = new(file) { AutoFlush = true };
        // What follows would else be part of it.
        if (isCut) _file.WriteLine();
    }

    /// <summary>Whether the run came to its last step; also true of one without steps.</summary>
    public bool IsAtEnd { get; private set; } = true;

    public void Report(TrainingProgress value)
    {
        IsAtEnd = value.Step == value.TotalSteps;
        Add(new ProgressEvent("progress", value));
    }

    void IRunObserver.OnStart(RunDescription run) => Add(new StartEvent("start", run.Title, run.Options,
        [.. run.Choices.Select(choice => new ChoiceLine(choice.Option, OptionValueText(choice), choice.Reason))],
        [.. run.Views.Select(view => OptionJson.Write(view, typeof(ViewRecipe)).Deserialize<JsonElement>())],
        run.ViewSeed, run.Threads, run.Rows));

    void IRunObserver.OnBaseline(double? untrained, double chance) =>
        Add(new BaselineEvent("baseline", untrained, chance));

    void IRunObserver.OnMessage(TrainingMessage message) =>
        Add(new MessageEvent("message", message.IsWarning, message.Text));

    public void Dispose() => _file?.Dispose();

    /// <summary>Tells an observer what a log holds, in the order it happened; what a run did again after it went on is
    /// told once.</summary>
    /// <exception cref="InvalidDataException">It is no log of a run; the message names file and line.</exception>
    public static void Replay(string path, IProgress<TrainingProgress> observer)
    {
        var (start, baseline, progress, messages) = ReadAll(path);
        var told = (IRunObserver)observer;
        told.OnStart(start);
        if (baseline is not null) told.OnBaseline(baseline.Untrained, baseline.Chance);
        foreach (var message in messages) told.OnMessage(message);
        foreach (var value in progress) observer.Report(value);
    }

    /// <summary>What a run was to do, and how far it is.</summary>
    public static (RunDescription Start, TrainingProgress? Last) Read(string path)
    {
        var (start, _, progress, _) = ReadAll(path);
        return (start, progress.LastOrDefault());
    }

    private static (RunDescription Start, BaselineEvent? Baseline, List<TrainingProgress> Progress,
        List<TrainingMessage> Messages) ReadAll(string path)
    {
        RunDescription? start = null;
        BaselineEvent? baseline = null;
        List<TrainingProgress> progress = [];
        List<TrainingMessage> messages = [];
        foreach (var (number, line) in Lines(path).Index())
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            try
            {
                using var json = JsonDocument.Parse(line);
                switch (json.RootElement.GetProperty("event").GetString())
                {
                    case "start":
                        start = Describe(json.Deserialize<StartEvent>(Options)!);
                        break;
                    case "baseline":
                        // Of a run that goes on from weights of another one, the first is what both began with.
                        baseline ??= json.Deserialize<BaselineEvent>(Options);
                        break;
                    case "progress":
                        var value = json.Deserialize<ProgressEvent>(Options)!.Progress;
                        // A run that went on did steps again that came after its checkpoint.
                        progress.RemoveAll(before => before.Step >= value.Step);
                        progress.Add(value);
                        break;
                    case "message":
                        var message = json.Deserialize<MessageEvent>(Options)!;
                        messages.Add(new(message.IsWarning, message.Text));
                        break;
                }
            }
            // The last line of a run that was killed.
            catch (JsonException) when (start is not null && !line.EndsWith('}')) { }
            catch (Exception e) when (e
                is JsonException or KeyNotFoundException or InvalidOperationException or UsageException)
            {
                throw new InvalidDataException(
                    $"'{path}', line {number + 1}, is no line of a run's log (run.jsonl, or what --json printed): "
                    + $"{e.Message}", e);
            }
        }
        return start is null
            ? throw new InvalidDataException($"'{path}' is no log of a run: no line begins one.")
                : (start, baseline, progress, messages);
    }

    // A run that goes on still writes to it.
    private static IEnumerable<string> Lines(string path)
    {
        using var reader = new StreamReader(
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        while (reader.ReadLine() is { } line) yield return line;
    }

    /// <summary>Whether a log ends in the midst of a line, as where the disk was full or the run was killed; it
    /// stands at its end then.</summary>
    private static bool IsCut(FileStream file)
    {
        if (file.Length == 0) return false;
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() != '\n';
    }

    private static RunDescription Describe(StartEvent start) => new(start.Title, start.Options,
        [.. start.Choices.Select(choice => new Choice(choice.Option, choice.Value, choice.Reason))],
        [.. start.Views.Select(view => (ViewRecipe)OptionJson.Read(
            System.Text.Json.Nodes.JsonObject.Create(view)!, typeof(ViewRecipe)))],
        start.ViewSeed, start.Threads)
    {
        Rows = start.Rows,
    };

    private static string OptionValueText(Choice choice)
    {
        string text = choice.ToString();
        return text[(choice.Option.Length + 3)..^(choice.Reason.Length + 2)];
    }

    private static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private void Add(object line)
    {
        _file?.WriteLine(Session.Line(line));
        _session.Event(line);
    }

    private sealed record StartEvent(string Event, string Title, IReadOnlyDictionary<string, string> Options,
        IReadOnlyList<ChoiceLine> Choices, IReadOnlyList<JsonElement> Views, ulong ViewSeed, int Threads,
        long? Rows = null);

    private sealed record BaselineEvent(string Event, double? Untrained, double Chance);

    private sealed record ChoiceLine(string Option, string Value, string Reason);

    private sealed record ProgressEvent(string Event, TrainingProgress Progress);

    private sealed record MessageEvent(string Event, bool IsWarning, string Text);
}
