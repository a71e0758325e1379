using System.CommandLine;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Explains every option of a record, with what its documentation says.</summary>
internal static class OptionsCommand
{
    private const string Examples = """
        Examples:
          mlssl options dino                      every option of DINO
          mlssl options dino backbone             those whose name has "backbone" in it
          mlssl options finetune learning-rate
        """;

    public static Command Create(Session session)
    {
        var records = OptionTypes.Methods.Concat(
        [
            new("finetune", typeof(FineTuneOptions)), new("evaluate", typeof(LinearProbeOptions)),
                new("model", typeof(PretrainedOptions)),
        ]).ToDictionary();
        var name = new Argument<string>("record") { Description = string.Join(", ", records.Keys) };
        var filter = new Argument<string?>("filter")
        {
            Description = "Part of a name",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new TaughtCommand("options", "Explain the library's options, from its documentation.",
            Examples) { name, filter };
        var common = new CommonFlags(command, computes: false);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            var record = records.GetValueOrDefault(Names.Plain(parsed.GetValue(name)!))
                ?? throw new UsageException(
                    $"There are no options of '{parsed.GetValue(name)}'; expected one of "
                    + $"{string.Join(", ", records.Keys)}.");
            string prefix = record == typeof(PretrainedOptions) ? ModelFlags.Prefix : "";
            string wanted = Names.Plain(parsed.GetValue(filter) ?? "");
            var found = LibraryOption.Of(record).Where(option => Names.Plain(option.Name)
                .Contains(wanted, StringComparison.Ordinal)).ToList();
            if (found.Count == 0) throw new UsageException(
                $"No option of {parsed.GetValue(name)} has '{parsed.GetValue(filter)}' in its name.");
            foreach (var option in found)
            {
                var (summary, value) = option.Doc;
                string flag = $"--{(ModelFlags.Own.Contains(option.Path[0]) ? "" : prefix)}{option.Name}";
                var owners = option.IsOfPart ? option.Owners.Select(Names.OfRecord).ToList() : [];
                string of = owners.Count > 0 ? $"  (of {string.Join(", ", owners)})" : "";
                session.Result(
                    $"{flag} <{option.ValueName}>{of}\n    {summary}{(value.Length > 0 ? $"\n    {value}" : "")}",
                    new
                    {
                        flag,
                        name = string.Join('.', option.Path),
                        takes = option.ValueName,
                        summary,
                        value,
                        owners
                    });
            }
            return ExitCode.Done;
        });
        return command;
    }
}
