using System.CommandLine;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>Flags in other spellings: --LearningRate and --learningRate are --learning-rate.</summary>
internal static class Spelling
{
    /// <summary>The arguments with the flags of a command as it spells them.</summary>
    public static string[] Normalize(IReadOnlyList<string> arguments, Command command)
    {
        var flags = command.Options.ToLookup(option => Key(option.Name), option => option.Name, StringComparer.Ordinal);
        bool open = true;
        return [.. arguments.Select(argument =>
        {
            open &= argument != "--";
            if (!open || !argument.StartsWith("--", StringComparison.Ordinal)) return argument;
            var parts = argument.Split('=', 2);
            return flags[Key(parts[0])].FirstOrDefault() is { } name ? string.Join('=', [name, .. parts[1..]])
                : argument;
        })];
    }

    /// <summary>What follows a flag on a command line that is not parsed yet.</summary>
    public static string? ValueOf(IReadOnlyList<string> arguments, string flag)
    {
        for (int i = 0; i < arguments.Count && arguments[i] != "--"; i++)
        {
            var parts = arguments[i].Split('=', 2);
            if (!parts[0].StartsWith("--", StringComparison.Ordinal) || Key(parts[0]) != Key(flag)) continue;
            return parts.Length == 2 ? parts[1] : arguments.ElementAtOrDefault(i + 1);
        }
        return null;
    }

    // Dots tell parts apart.
    private static string Key(string flag) => string.Join('.', flag.Split('.').Select(Names.Plain));
}
