namespace Microsoft.ML;

public sealed class TrainerInfo
{
    internal TrainerInfo(bool needNormalization, bool wantCaching) => (NeedNormalization, WantCaching) = (needNormalization, wantCaching);

    public bool NeedNormalization { get; }
    public bool WantCaching { get; }
}
