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

    /// <summary>Whether a flag stands on a command line that is not parsed yet.</summary>
    public static bool Has(IReadOnlyList<string> arguments, string flag) => IndexOf(arguments, flag) >= 0;

    /// <summary>What follows a flag on a command line that is not parsed yet.</summary>
    public static string? ValueOf(IReadOnlyList<string> arguments, string flag)
    {
        int at = IndexOf(arguments, flag);
        if (at < 0) return null;
        return arguments[at].Split('=', 2) is [_, var value] ? value : arguments.ElementAtOrDefault(at + 1);
    }

    private static int IndexOf(IReadOnlyList<string> arguments, string flag)
    {
        for (int i = 0; i < arguments.Count && arguments[i] != "--"; i++)
        {
            string name = arguments[i].Split('=', 2)[0];
            if (name.StartsWith("--", StringComparison.Ordinal) && Key(name) == Key(flag)) return i;
        }
        return -1;
    }

    // Dots tell parts apart.
    private static string Key(string flag) => string.Join('.', flag.Split('.').Select(Names.Plain));
}
