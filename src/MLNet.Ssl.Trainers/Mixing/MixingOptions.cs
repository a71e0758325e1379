namespace MLNet.Ssl;

/// <summary>How a mixing strategy turns clean views into mixed inputs with soft targets: <see cref="IMixOptions"/> or
/// <see cref="SdmpOptions"/>.</summary>
public abstract record MixingOptions
{
    private protected MixingOptions() { }

    /// <summary>What every method can be mixed with, for messages.</summary>
    internal const string Possible =
        "possible are: i-Mix, also with InputMix, for MoCo v2, BYOL and SimCLR with Loss = NPair; SDMP for MoCo v3 and "
        + "DINO; none for every method";

    /// <summary>Name in the literature.</summary>
    internal abstract string Name { get; }

    /// <summary>Checks every option; the batch and the backbone are valid.</summary>
    internal abstract void Validate(int batchSize, BackboneOptions backbone);
}

/// <summary>How two inputs are put into one.</summary>
public enum Mixer
{
    /// <summary>Weighted sum of the pixels.</summary>
    Mixup,

    /// <summary>A box of the partner in the same place.</summary>
    CutMix,

    /// <summary>The whole partner, shrunk into a box.</summary>
    ResizeMix,
}
