using MLNet.Ssl.Tests;
using static TorchSharp.torch;

namespace MLNet.Ssl.Fuzz;

/// <summary>A run's checkpoint: a quarter of them damaged as they are, the others with odd fields
/// under a checksum that fits.</summary>
internal static class RunCorpus
{
    public const long Steps = 12;

    private static readonly Lazy<byte[]> File = new(Write);

    private static readonly string[] Values =
    [
        "", "0", "-1", "6", "5", "none", "NaN", "Infinity", "1e999", "99999999999", "99999999999999999999", "0 0 0",
        "0 0", "0  0", " 6", "6 ", "٦", "x", "True",
    ];

    public static IReadOnlyDictionary<string, string> Run { get; } = new Dictionary<string, string>
    {
        ["MethodName"] = "BYOL",
        ["Seed"] = "5",
        ["Threads"] = "1",
        ["BatchSize"] = "16",
        ["Epochs"] = "3",
    };

    public static IReadOnlyList<(string Name, Tensor Value)> State { get; } =
        [("online.weight", ones(4, 3).DetachFromDisposeScope()),
            ("steps", zeros([1], ScalarType.Int64).DetachFromDisposeScope())];

    public static byte[] Checkpoint(int seed)
    {
        var random = new Random(seed);
        if (random.Next(4) == 0) return Mutations.Bytes(File.Value, random);
        return OddCheckpoints.Rewrite(File.Value, metadata =>
        {
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                string field = random.Of(metadata.Select(entry => entry.Key).Where(key => key != "sha256").ToList());
                if (random.Next(5) == 0) metadata.Remove(field);
                else metadata[random.Next(20) == 0 ? field + "x" : field] = random.Of(Values);
            }
        });
    }

    private static byte[] Write()
    {
        using var folder = new TemporaryFolder();
        new TrainingCheckpoint(6, Run, [0, 1, 2], 0.5).Write(folder.File("a"), State);
        return System.IO.File.ReadAllBytes(folder.File("a"));
    }
}
