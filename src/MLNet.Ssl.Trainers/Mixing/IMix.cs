using MLNet.Ssl.Networks;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Mixing;

/// <summary>Draws and applies i-Mix and InputMix.</summary>
internal sealed class IMix(IMixOptions options)
{
    /// <summary>InputMix of the two views together, or the views as they are.</summary>
    public (Tensor First, Tensor Second) MixInputs(Tensor first, Tensor second, HostRandom random)
    {
        if (options.InputMix is not { } input) return (first, second);
        long rows = 2 * first.size(0);
        var permutations = Enumerable.Range(0, input.Auxiliaries).Select(_ => random.Permutation(rows)).ToList();
        var coefficients = new float[rows][];
        for (int i = 0; i < rows; i++)
        {
            var drawn = random.Dirichlet(input.Alpha, input.Auxiliaries + 1);
            coefficients[i] = InputMixCoefficients(Array.ConvertAll(drawn, v => (float)v));
        }
        var mixed = Mixers.InputMix(cat([first, second], 0), permutations, coefficients).chunk(2);
        return (mixed[0], mixed[1]);
    }

    /// <summary>
    /// Passes a batch through a network and on the way mixes its first rows, the queries, with each other: before a
    /// stage drawn from <see cref="IMixOptions.Layers"/>.
    /// </summary>
    public (Tensor Features, Tensor Output, SoftTargets Targets) Pass(EncoderWithHead network, Tensor x, long queries,
        int groups, HostRandom random)
    {
        var layers = options.Layers;
        int layer = layers.Count == 1 ? layers[0] : layers[random.Below(layers.Count)];
        x = network.InputOf(layer, x, groups);
        var (mixed, targets) = Mix(x.narrow(0, 0, queries), random);
        if (queries < x.size(0)) mixed = cat([mixed, x.narrow(0, queries, x.size(0) - queries)], 0);
        var (features, output) = network.Pass(mixed, groups, layer);
        return (features, output, targets);
    }

    /// <summary>Mixes queries with each other; <paramref name="x"/> is (B, …).</summary>
    public (Tensor Mixed, SoftTargets Targets) Mix(Tensor x, HostRandom random)
    {
        var partners = random.Permutation(x.size(0));
        var partner = x.index_select(0, NativeTensor.On(x.device, partners));
        if (options.Mixer == Mixer.CutMix)
        {
            int height = (int)x.size(2), width = (int)x.size(3);
            var box = MixBox.Around(random.Below(height), random.Below(width), height, width, Share(random));
            return (Mixers.CutMix(x, partner, [box]),
                SoftTargets.Mixed(partners, [box.Share(height, width)], x.device));
        }
        float[] shares =
            [.. Enumerable.Range(0, options.SharedLambda ? 1 : partners.Length).Select(_ => Share(random))];
        return (Mixers.Mixup(x, partner, shares), SoftTargets.Mixed(partners, shares, x.device));
    }

    /// <summary>Weights of an input and its auxiliaries from a draw that sums to 1; the input has at least ½.</summary>
    public static float[] InputMixCoefficients(float[] drawn)
    {
        if (drawn.Length == 2) return [Math.Max(drawn[0], drawn[1]), Math.Min(drawn[0], drawn[1])];
        return [.. drawn.Select((w, i) => 0.5f * w + (i == 0 ? 0.5f : 0))];
    }

    /// <summary>λ folded to at least ½, so that the own label prevails.</summary>
    private float Share(HostRandom random)
    {
        double share = random.Beta(options.Alpha);
        return (float)Math.Max(share, 1 - share);
    }
}
