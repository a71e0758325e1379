using System.Globalization;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Distributed;

namespace MLNet.Ssl.Cli.Embeddings;

/// <summary>Which part of the rows this process embeds.</summary>
/// <param name="Index">The shard, from 0.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Source">Where that was said, for the log; null for the only one.</param>
internal sealed record ShardChoice(int Index, int Count, string? Source)
{
    /// <summary>This process's share of the world that a launcher started; all rows of one that is alone.</summary>
    public static ShardChoice OfWorld()
    {
        var world = Communicator.Current;
        return new(world.Rank, world.Count, world.Count == 1 ? null : world.Description);
    }

    /// <summary>The first row.</summary>
    public int Start(int rows) => (int)((long)rows * Index / Count);

    /// <summary>The row after the last.</summary>
    public int End(int rows) => (int)((long)rows * (Index + 1) / Count);

    /// <summary>What --shard i/n says; else i of --shards n from a Kubernetes Job; else this process's share of the
    /// world.</summary>
    /// <param name="job">JOB_COMPLETION_INDEX; null or empty where it is not set.</param>
    /// <param name="world">The share of the world (<see cref="OfWorld"/>), which is asked for last.</param>
    /// <exception cref="UsageException">What is said is no shard.</exception>
    public static ShardChoice Of(string? shard, int? shards, string? job, Func<ShardChoice> world)
    {
        if (shard is not null)
        {
            var parts = shard.Split('/');
            if (parts.Length == 1 && shards is not null) parts = [shard, $"{shards}"];
            if (parts.Length == 2 && Number(parts[0]) is { } index && Number(parts[1]) is { } count && index < count)
                return new(index, count, "--shard");
            throw new UsageException($"--shard is '{shard}'; expected i/n with i from 0 to n - 1, such as 0/8.");
        }
        if (!string.IsNullOrEmpty(job))
        {
            if (shards is not { } count)
                throw new UsageException(
                    "JOB_COMPLETION_INDEX is set, so this is one of several processes; say how many: --shards n (the "
                    + "Job's completions).");
            return Number(job) is { } index && index < count ? new(index, count, "JOB_COMPLETION_INDEX")
                : throw new UsageException(
                    $"JOB_COMPLETION_INDEX is '{job}' of --shards {count}; expected 0 to {count - 1}.");
        }
        var own = world();
        if (shards is null || shards == own.Count) return own;
        throw new UsageException(own.Source is null
            ? $"--shards is {shards}, but nothing says which one this is: add --shard i/{shards}."
            : $"--shards is {shards}, but there are {own.Source}.");
    }

    private static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture,
        out int number) ? number : null;
}
