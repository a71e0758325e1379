namespace MLNet.Ssl;

/// <summary>How the parameters are moved.</summary>
public enum OptimizerKind
{
    /// <summary>SGD with momentum 0.9.</summary>
    Sgd,

    /// <summary>AdamW, β (0.9, 0.999).</summary>
    AdamW,

    /// <summary>LARS with momentum 0.9, for large batches.</summary>
    Lars,
}
