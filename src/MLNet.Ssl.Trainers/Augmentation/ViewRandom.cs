using static MLNet.Ssl.Tensors.SplitMix64;

namespace MLNet.Ssl.Augmentation;

internal interface IRandomSource
{
    /// <summary>A double of [min, max).</summary>
    double Uniform(double min, double max);

    /// <summary>An integer of [0, count).</summary>
    int Below(int count);
}

/// <summary>
/// Random numbers of one view, a function of (seed, epoch, sample, view) alone: SplitMix64 (Steele et al. 2014) started
/// from a hash of the four, so that views depend neither on the order nor on the thread in which they are made.
/// </summary>
internal struct ViewRandom(ulong seed, int epoch, int sample, int view) : IRandomSource
{
    private ulong _state =
        Mix(Mix(Mix(Mix(seed + Step) + (uint)epoch + Step) + (uint)sample + Step) + (uint)view + Step);

    public double Uniform(double min, double max) => min + (max - min) * ((Next() >> 11) * (1.0 / (1UL << 53)));

    public int Below(int count) => (int)Math.BigMul(Next(), (ulong)count, out _);

    /// <summary>True with <paramref name="probability"/>.</summary>
    public bool Chance(double probability) => Uniform(0, 1) < probability;

    private ulong Next() => Mix(_state += Step);
}
