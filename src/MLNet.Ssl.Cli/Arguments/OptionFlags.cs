using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>The options of a record as flags of a command, made by reflection.</summary>
internal sealed class OptionFlags
{
    private readonly Type _record;
    private readonly string _prefix;
    private readonly List<(Option<string?> Flag, LibraryOption Option)> _flags = [];

    /// <param name="record">The record.</param>
    /// <param name="prefix">What stands before its flags, such as "model.".</param>
    /// <param name="own">Options that the command has flags of its own for.</param>
    public OptionFlags(Type record, string prefix = "", params IReadOnlyList<string> own)
    {
        (_record, _prefix) = (record, prefix);
        foreach (var option in LibraryOption.Of(record))
        {
            if (own.Contains(string.Join('.', option.Path))) continue;
            var (summary, value) = option.Doc;
            bool isSwitch = OptionTypes.Plain(option.Type) == typeof(bool);
            var flag = new Option<string?>($"--{prefix}{option.Name}")
            {
                Description = Describe(option, summary, value),
                HelpName = option.ValueName,
                Arity = isSwitch ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
                Hidden = option.IsOfPart,
            };
            _flags.Add((flag, option));
        }
    }

    public void AddTo(Command command)
    {
        foreach (var (flag, _) in _flags) command.Add(flag);
    }

    /// <summary>The record that presets, a file and flags make, each over the one before.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="start">A preset; null for the record's defaults.</param>
    /// <param name="file">Options of a file; null for none.</param>
    /// <exception cref="UsageException">A value does not fit; the message names the flag and what it takes.</exception>
    public object Create(ParseResult parsed, object? start = null, JsonObject? file = null) =>
        OptionJson.Read(Values(parsed, start, file), _record);

    /// <summary>The value of one option that is no part of the record, such as Evaluation.EveryEpochs; null if it was
    /// not given.</summary>
    public string? Text(ParseResult parsed, string path)
    {
        var (flag, _) = _flags.Single(entry => string.Join('.', entry.Option.Path) == path);
        return parsed.GetResult(flag) is not { } result ? null : result.Tokens.Count == 0 ? "true"
            : parsed.GetValue(flag);
    }

    /// <summary><see cref="Text"/> as a whole number.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public int? Number(ParseResult parsed, string path) => Text(parsed, path) is not { } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
        : throw new UsageException(
            $"--{string.Join('.', path.Split('.').Select(Names.Kebab))} is '{text}'; expected a whole number.");

    /// <summary>Whether an option says how rows are measured, which are named beside the record.</summary>
    private static bool IsBesideOptions(LibraryOption option) =>
        option.Path[0] is nameof(PretrainOptions.Evaluation) or nameof(SupervisedOptions.Validation);

    private JsonObject Values(ParseResult parsed, object? start, JsonObject? file)
    {
        start ??= Activator.CreateInstance(_record)!;
        var values = OptionJson.Write(start, _record);
        if (file is not null) Overlay(values, OptionJson.Canonical(file, _record, "options"));
        // Parts come before what is in them.
        foreach (var (flag, option) in _flags.OrderBy(entry => entry.Option.Path.Count))
        {
            if (parsed.GetResult(flag) is not { } result || IsBesideOptions(option)) continue;
            string text = result.Tokens.Count == 0 ? "true" : parsed.GetValue(flag) ?? "";
            Set(values, option, text);
        }
        return values;
    }

    private void Set(JsonObject values, LibraryOption option, string text)
    {
        var part = values;
        for (int depth = 0; depth < option.Path.Count - 1; depth++)
        {
            string name = JsonNamingPolicy.CamelCase.ConvertName(option.Path[depth]);
            string flag = "--" + _prefix + string.Join('.', option.Path.Take(depth + 1).Select(Names.Kebab));
            part = part[name] as JsonObject
                ?? throw new UsageException(
                    $"--{_prefix}{option.Name} is given, but no {flag} that it belongs to; set {flag} too.");
        }
        if (part["kind"]?.ToString() is { } kind && option.IsOfPart)
        {
            var type = option.Owners.FirstOrDefault(owner =>
                OptionTypes.Kinds(owner.BaseType!).Any(known => known.Type == owner && Names.Same(known.Name, kind)));
            if (type is null)
                throw new UsageException($"--{_prefix}{option.Name} is no option of {kind}, but of "
                    + $"{string.Join(", ", option.Owners.Select(owner => Names.Kebab(Names.OfRecord(owner))))}.");
        }
        part[JsonNamingPolicy.CamelCase.ConvertName(option.Path[^1])] = OptionValues.Parse(option, text);
    }

    /// <summary>Puts one object's values over another's; a part of another kind replaces the whole part.</summary>
    private static void Overlay(JsonObject under, JsonObject over)
    {
        foreach (var (key, value) in over)
        {
            if (value is JsonObject part && under[key] is JsonObject below
                && (part["kind"] is null || part["kind"]!.ToString() == below["kind"]?.ToString()))
                Overlay(below, part);
            else
                under[key] = value?.DeepClone();
        }
    }

    private static string Describe(LibraryOption option, string summary, string value)
    {
        string text = DocComments.FirstSentence(summary);
        if (value.Length > 0) text += $" [{DocComments.FirstSentence(value).TrimEnd('.')}]";
        var type = OptionTypes.Plain(option.Type);
        if (!OptionTypes.IsPart(type) || option.IsOfPart) return text;
        var names = OptionValues.PartNames(type).ToList();
        if (names.Count > 0) text += $" Names: {string.Join(", ", names)}.";
        return $"{text} Its own options: --{option.Name}.<option>, see 'mlssl options'.";
    }
}
