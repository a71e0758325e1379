namespace MLNet.Ssl.Benchmarks.Tables;

/// <summary>The ways of pretraining that are compared.</summary>
internal static class TableMethods
{
    public const string Raw = "raw features";

    private const string ByQuantiles = ", quantiles";

    public const string RawByQuantiles = Raw + ByQuantiles;

    public const int Quantiles = 1000;

    private static readonly IMixOptions Mixing = new() { Alpha = 2 };

    public static IReadOnlyDictionary<string, PretrainOptions> All { get; } = new Dictionary<string, PretrainOptions>
    {
        ["untrained encoder"] = new MaskedReconstructionOptions { Epochs = 0 },
        ["masked reconstruction"] = new MaskedReconstructionOptions(),
        ["masked reconstruction" + ByQuantiles] =
            new MaskedReconstructionOptions { Table = new() { Quantiles = Quantiles } },
        ["masked reconstruction, numbers as they are"] =
            new MaskedReconstructionOptions { Backbone = new TabularMlpOptions() },
        ["masked reconstruction, numbers in waves"] =
            new MaskedReconstructionOptions
            {
                Backbone =
                new TabularMlpOptions { NumberEmbedding = NumberEmbedding.Periodic, InputWidth = 256 }
            },
        ["SCARF"] =
            new SimClrOptions { Table = new() { MaskProbability = 0, ResampleProbability = 0.6 }, Temperature = 1 },
        ["MoCo, i-Mix, reconstruction"] = new MoCoOptions { Mixing = Mixing, ReconstructionWeight = 1 },
        ["N-pair"] = new SimClrOptions { Loss = SimClrLoss.NPair },
        ["N-pair, i-Mix"] = new SimClrOptions { Loss = SimClrLoss.NPair, Mixing = Mixing },
        ["MoCo"] = new MoCoOptions(),
        ["MoCo, i-Mix"] = new MoCoOptions { Mixing = Mixing },
        ["BYOL"] = new ByolOptions(),
        ["BYOL, i-Mix"] = new ByolOptions { Mixing = Mixing },
    };

    /// <summary>Whether nothing is learned, but the values themselves are taken.</summary>
    public static bool IsRaw(string method) => method is Raw or RawByQuantiles;

    /// <summary>Whether values are taken to a normal distribution, in place of mean 0 and deviation 1.</summary>
    public static bool TakesQuantiles(string method) => method.EndsWith(ByQuantiles, StringComparison.Ordinal);
}
