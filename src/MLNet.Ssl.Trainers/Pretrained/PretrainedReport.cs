namespace MLNet.Ssl;

/// <summary>How the tensors of a file met those of a network.</summary>
/// <param name="Network">Where in the file the network was found, such as "teacher/module.backbone."; empty for a
/// file of the network alone.</param>
/// <param name="Matched">Tensors taken, by their names in the network.</param>
/// <param name="Missing">Tensors of the network that the file lacks; only counters of
/// batch normalisation may be.</param>
/// <param name="Ignored">Tensors of the file that belong to heads and queues, or stand beside the network.</param>
public sealed record PretrainedReport(string Network, IReadOnlyList<string> Matched, IReadOnlyList<string> Missing,
    IReadOnlyList<string> Ignored)
{
    /// <summary>A line for a log.</summary>
    public override string ToString() =>
        $"{Matched.Count} tensors matched{(Network.Length == 0 ? "" : $" under '{Network}'")}; missing: "
        + $"{Names(Missing)}; ignored: {Names(Ignored)}";

    private static string Names(IReadOnlyList<string> names) =>
        names.Count == 0 ? "none"
            : string.Join(", ", names.Take(8)) + (names.Count > 8 ? $" and {names.Count - 8} more" : "");
}
