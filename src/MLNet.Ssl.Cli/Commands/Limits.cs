using System.CommandLine;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Ranges of flags.</summary>
internal static class Limits
{
    public static void AtLeast(Option<int> option, int least) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < least) result.AddError($"{option.Name} must be {least} or more.");
    });

    public static void AtLeast(Option<int?> option, int least) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int?>() < least) result.AddError($"{option.Name} must be {least} or more.");
    });
}
