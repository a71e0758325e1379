using System.Globalization;
using MLNet.Ssl.Data;

namespace MLNet.Ssl.Training;

/// <summary>The smallest sets on which an encoder was measured to gain by pretraining, over one with random
/// weights: docs/results.md.</summary>
internal static class MeasuredGains
{
    public const int Images = 500;
    public const int Rows = 15_120;
    public const int ReconstructedRows = 1_512;

    /// <summary>A warning about a smaller set; null for none.</summary>
    public static string? Warning(PretrainOptions options, DataFacts facts)
    {
        var (kind, least, advice) = facts.Table is null
            ? ("images", Images, "an encoder that others trained (LoadPretrained) may serve better; ")
            : ("rows", options is MaskedReconstructionOptions ? ReconstructedRows : Rows, "");
        // Who starts from other weights has learned from more than these.
        if (facts.Rows >= least || options.Epochs == 0 || options.InitialWeights is not null
            || options.ContinueFrom is not null) return null;
        return string.Create(CultureInfo.InvariantCulture,
            $"There are {facts.Rows:N0} training {kind}; no gain over an untrained network has been measured on fewer "
            + $"than {least:N0}: {advice}")
            + "WithEvaluation, or Epochs = 0 for comparison, tells whether training helps.";
    }
}
