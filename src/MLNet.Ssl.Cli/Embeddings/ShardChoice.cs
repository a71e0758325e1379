using System.Globalization;
using MLNet.Ssl.Cli.Arguments;

namespace MLNet.Ssl.Cli.Embeddings;

/// <summary>Which part of the rows this process embeds.</summary>
/// <param name="Index">The shard, from 0.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Source">Where that was said, for the log; null for the only one.</param>
internal sealed record ShardChoice(int Index, int Count, string? Source)
{
    private static readonly (string Rank, string Size)[] Launchers =
    [
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS"),
            ("RANK", "WORLD_SIZE"),
    ];

    /// <summary>The first row.</summary>
    public int Start(int rows) => (int)((long)rows * Index / Count);

    /// <summary>The row after the last.</summary>
    public int End(int rows) => (int)((long)rows * (Index + 1) / Count);

    /// <summary>What --shard i/n says; else i of --shards n from a Kubernetes Job; else the rank that a launcher gave;
    /// else all rows.</summary>
    /// <exception cref="UsageException">What is said is no shard.</exception>
    public static ShardChoice Of(string? shard, int? shards, Func<string, string?> environment)
    {
        if (shard is not null)
        {
            var parts = shard.Split('/');
            if (parts.Length == 1 && shards is not null) parts = [shard, $"{shards}"];
            if (parts.Length == 2 && Number(parts[0]) is { } index && Number(parts[1]) is { } count && index < count)
                return new(index, count, "--shard");
            throw new UsageException($"--shard is '{shard}'; expected i/n with i from 0 to n - 1, such as 0/8.");
        }
        if (environment("JOB_COMPLETION_INDEX") is { Length: > 0 } job)
        {
            if (shards is not { } count)
                throw new UsageException(
                    "JOB_COMPLETION_INDEX is set, so this is one of several processes; say how many: --shards n (the "
                    + "Job's completions).");
            return Number(job) is { } index && index < count ? new(index, count, "JOB_COMPLETION_INDEX")
                : throw new UsageException(
                    $"JOB_COMPLETION_INDEX is '{job}' of --shards {count}; expected 0 to {count - 1}.");
        }
        foreach (var (rank, size) in Launchers)
        {
            if (Number(environment(rank)) is not { } index || Number(environment(size)) is not { } count
                || count < 2) continue;
            if (shards is { } told && told != count) throw new UsageException(
                $"--shards is {told}, but {size} is {count}.");
            return new(index, count, rank);
        }
        return shards is null or 1 ? new(0, 1, null)
            : throw new UsageException(
                $"--shards is {shards}, but nothing says which one this is: add --shard i/{shards}.");
    }

    private static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture,
        out int number) ? number : null;
}
