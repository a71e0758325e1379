namespace MLNet.Ssl.Benchmarks.Tables;

/// <summary>The ways of pretraining that are compared.</summary>
internal static class TableMethods
{
    public const string Raw = "raw features";

    public static PretrainOptions Parse(string text)
    {
        if (All.TryGetValue(text, out var known)) return known;
        var d = text.Split(' ').Skip(1).Select(t => t.Split('=')).ToDictionary(t => t[0], t => double.Parse(t[1], System.Globalization.CultureInfo.InvariantCulture));
        double V(string k, double v) => d.GetValueOrDefault(k, v);
        var table = new TableOptions { MaskProbability = V("m", 0), ResampleProbability = V("p", 0.5), CategoricalSlots = V("g", 1) == 0 ? [] : null };
        int w = (int)V("w", 256);
        var net = new TabularMlpOptions { HiddenWidths = [.. Enumerable.Range(0, (int)V("depth", 4)).Select(i => i < 2 ? w : 2 * w)], OutputWidth = (int)V("o", 1024), MaxoutGroup = (int)V("mx", 4), InputWidth = (int)V("iw", 64), NumberEmbedding = (NumberEmbedding)(int)V("ne", 0), NumberBins = (int)V("nb", 16) };
        int? batch = d.TryGetValue("b", out double b) ? (int)b : null;
        string kind = text.Split(' ')[0];
        if (kind == "MR") return new MaskedReconstructionOptions { Table = table, Backbone = net, ValueWeight = V("a", 2), HeadLayers = (int)V("l", 1), LearningRate = V("lr", 0.0005), WeightDecay = V("wd", 1e-5), BatchSize = batch };
        if (kind == "SC") return new SimClrOptions { Table = table, Backbone = net, Temperature = V("t", 1), Optimizer = OptimizerKind.AdamW, LearningRate = V("lr", 0.0005), BatchSize = batch };
        if (kind == "MC") return new MoCoOptions { Table = table, Backbone = net, ReconstructionWeight = V("r", 1), Mixing = new IMixOptions { Alpha = 2 }, Optimizer = V("adam", 1) == 1 ? OptimizerKind.AdamW : OptimizerKind.Sgd, LearningRate = V("lr", 0.0005), Temperature = V("t", 0.1) };
        throw new ArgumentException(text);
    }

    public static IReadOnlyDictionary<string, PretrainOptions> All { get; } = new Dictionary<string, PretrainOptions>
    {
        ["untrained encoder"] = new MoCoOptions { Epochs = 0 },
        ["masked reconstruction"] = new MaskedReconstructionOptions(),
        ["SCARF"] = new SimClrOptions { Table = new() { MaskProbability = 0, ResampleProbability = 0.6 }, Temperature = 1 },
        ["N-pair"] = new SimClrOptions { Loss = SimClrLoss.NPair },
        ["N-pair, i-Mix"] = new SimClrOptions { Loss = SimClrLoss.NPair, Mixing = new IMixOptions { Alpha = 2 } },
        ["MoCo"] = new MoCoOptions(),
        ["MoCo, i-Mix"] = new MoCoOptions { Mixing = new IMixOptions { Alpha = 2 } },
        ["BYOL"] = new ByolOptions(),
        ["BYOL, i-Mix"] = new ByolOptions { Mixing = new IMixOptions { Alpha = 2 } },
    };
}
