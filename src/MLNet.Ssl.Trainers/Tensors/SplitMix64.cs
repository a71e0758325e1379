using System.Runtime.CompilerServices;

namespace MLNet.Ssl.Tensors;

/// <summary>Derives independent seeds from one: SplitMix64 (Steele et al., 2014) over a list of numbers.</summary>
internal static class SplitMix64
{
    /// <summary>What the state of a generator grows by.</summary>
    public const ulong Step = 0x9E3779B97F4A7C15;

    public static ulong Hash(params ReadOnlySpan<ulong> values)
    {
        ulong hash = 0;
        foreach (ulong value in values) hash = Mix(hash + value + Step);
        return hash;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
