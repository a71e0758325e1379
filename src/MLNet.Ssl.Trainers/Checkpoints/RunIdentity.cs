using System.Globalization;
using MLNet.Ssl.Options;
using TorchSharp;

namespace MLNet.Ssl.Checkpoints;

/// <summary>What must be the same for a run to continue another bit by bit: options, data, device and version, as names and
/// values.</summary>
internal static class RunIdentity
{
    /// <param name="options">Options that what is learned depends on, Auto ones as they were chosen.</param>
    /// <param name="rows">Rows of the data.</param>
    /// <param name="fingerprint">Tells the data from other data.</param>
    /// <param name="device">Where the run computes.</param>
    public static SortedDictionary<string, string> Of(
        IReadOnlyDictionary<string, string> options, int rows, string fingerprint, DeviceType device) =>
        new(options.ToDictionary(), StringComparer.Ordinal)
        {
            ["Rows of the data"] = rows.ToString(CultureInfo.InvariantCulture),
            ["Fingerprint of the data"] = fingerprint,
            ["Device"] = $"{device}",
            ["Processes"] = World.Size.ToString(CultureInfo.InvariantCulture),
            ["Version of MLNet.Ssl"] = $"{typeof(RunIdentity).Assembly.GetName().Version}",
        };

    /// <summary>What differs, as "BatchSize was 64 and is 128"; empty if nothing does.</summary>
    public static IReadOnlyList<string> Differences(IReadOnlyDictionary<string, string> saved, IReadOnlyDictionary<string, string> now)
    {
        // Another method has other options: its name says it all.
        if (Differ(nameof(PretrainOptions.MethodName))) return [Describe(nameof(PretrainOptions.MethodName))];
        var common = now.Keys.Where(name => saved.ContainsKey(name) && Differ(name)).ToList();
        // Options of a part that is there in one of the two only are told by the part's own difference.
        var changed = common.Count > 0 ? common : [.. saved.Keys.Union(now.Keys).Where(Differ)];
        return [.. changed.Select(Describe)];

        bool Differ(string name) => saved.GetValueOrDefault(name) != now.GetValueOrDefault(name);
        string Describe(string name) => $"{name} was {Short(saved, name)} and is {Short(now, name)}";
    }

    private static string Short(IReadOnlyDictionary<string, string> run, string name)
    {
        string value = run.GetValueOrDefault(name) ?? OptionText.None;
        return value.Length <= 60 ? value : value[..57] + "…";
    }
}
