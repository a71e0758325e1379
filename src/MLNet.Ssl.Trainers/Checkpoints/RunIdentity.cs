using System.Globalization;
using System.Text.Json;
using MLNet.Ssl.Distributed;
using MLNet.Ssl.Options;
using TorchSharp;

namespace MLNet.Ssl.Checkpoints;

/// <summary>What must be the same for a run to continue another bit by bit: options, data, device and
/// version, as names and values.</summary>
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

    /// <summary>Refuses a run whose ranks were told different things or read different data.</summary>
    /// <exception cref="ArgumentException">On all of them: what differs, and where.</exception>
    public static void CheckRanks(Func<IReadOnlyDictionary<string, string>> run)
    {
        var ranks = Communicator.Current;
        if (ranks.Count == 1) return;
        var runs = ranks.Exchange(JsonSerializer.Serialize(run()))
            .Select(text => JsonSerializer.Deserialize<Dictionary<string, string>>(text)!).ToList();
        for (int rank = 1; rank < runs.Count; rank++)
        {
            if (Differences(runs[0], runs[rank],
                $"is {{0}} on rank 0 and {{1}} on rank {rank}") is not { Count: > 0 } differences) continue;
            throw new ArgumentException($"The {ranks.Count} processes do not train the same: "
                + $"{string.Join("; ", differences)}. Start all with the same options and data.");
        }
    }

    /// <summary>What differs, as "BatchSize was 64 and is 128"; empty if nothing does.</summary>
    public static IReadOnlyList<string> Differences(
        IReadOnlyDictionary<string, string> saved, IReadOnlyDictionary<string, string> now,
        string words = "was {0} and is {1}")
    {
        // Another method has other options: its name says it all.
        if (Differ(nameof(PretrainOptions.MethodName))) return [Describe(nameof(PretrainOptions.MethodName))];
        var common = now.Keys.Where(name => saved.ContainsKey(name) && Differ(name)).ToList();
        // Options of a part that is there in one of the two only are told by the part's own difference.
        var changed = common.Count > 0 ? common : [.. saved.Keys.Union(now.Keys).Where(Differ)];
        return [.. changed.Select(Describe)];

        bool Differ(string name) => saved.GetValueOrDefault(name) != now.GetValueOrDefault(name);
        string Describe(string name) =>
            $"{name} {string.Format(CultureInfo.InvariantCulture, words, Short(saved, name), Short(now, name))}";
    }

    private static string Short(IReadOnlyDictionary<string, string> run, string name)
    {
        string value = run.GetValueOrDefault(name) ?? OptionText.None;
        return value.Length <= 60 ? value : value[..57] + "…";
    }
}
