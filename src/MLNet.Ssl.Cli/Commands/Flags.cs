using System.CommandLine;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Flags of commands, and their ranges.</summary>
internal static class Flags
{
    /// <summary>A flag that may be left out.</summary>
    /// <param name="name">Its name, with dashes.</param>
    /// <param name="value">What the help calls its value.</param>
    /// <param name="description">What it says.</param>
    public static Option<T> Of<T>(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    /// <summary>Likewise with a value that it has when it is left out.</summary>
    public static Option<T> Of<T>(string name, string value, string description, T usual) =>
        new(name) { Description = description, HelpName = value, DefaultValueFactory = _ => usual };

    /// <summary>The file or folder that receives what the command makes.</summary>
    public static Option<string> Output(string value, string description, string usual) => new("--output", "-o")
    {
        Description = description,
        HelpName = value,
        DefaultValueFactory = _ => usual,
    };

    public static void AtLeast(Option<int> option, int least) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < least) result.AddError($"{option.Name} must be {least} or more.");
    });

    public static void AtLeast(Option<int?> option, int least) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int?>() < least) result.AddError($"{option.Name} must be {least} or more.");
    });
}
