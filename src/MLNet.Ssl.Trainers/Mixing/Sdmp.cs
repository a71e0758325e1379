using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Mixing;

/// <summary>A draw of SDMP: one mixer for a batch and one λ for every image, the same for all its views.</summary>
internal sealed class Sdmp
{
    private readonly Mixer _mixer;
    private readonly float[] _drawn;

    /// <summary>Draws for a batch of images; the shares are those of views of the size given.</summary>
    public Sdmp(SdmpOptions options, long batch, int height, int width, HostRandom random)
    {
        _mixer = options.Mixer ?? (Mixer)random.Below(3);
        _drawn = [.. Enumerable.Range(0, (int)batch).Select(_ => (float)(0.8 * random.Beta(options.Alpha) + 0.1))];
        Shares = _mixer == Mixer.Mixup ? _drawn
            : Array.ConvertAll(_drawn, share => MixBox.Inside(height, width, share, random).Share(height, width));
    }

    /// <summary>λ of every image: what is left of it.</summary>
    public float[] Shares { get; }

    /// <summary>Mixes a view with its mirror image in the batch; boxes are placed anew for every view.</summary>
    public Tensor Mix(Tensor view, HostRandom random)
    {
        var partner = view.flip(0);
        if (_mixer == Mixer.Mixup) return Mixers.Mixup(view, partner, _drawn);
        int height = (int)view.size(2), width = (int)view.size(3);
        var boxes = Array.ConvertAll(_drawn, share => MixBox.Inside(height, width, share, random));
        return _mixer == Mixer.CutMix ? Mixers.CutMix(view, partner, boxes) : Mixers.ResizeMix(view, partner, boxes);
    }

    /// <summary>Content that the mixed images i and n − 1 − i share: 1 − |λ_i + λ_j − 1|.</summary>
    public static float[] Common(float[] shares) =>
        [.. shares.Select((share, i) => 1 - Math.Abs(share + shares[^(i + 1)] - 1))];

    /// <summary>Targets of mixed images among clean ones: λ on the own source, the rest on the partner's.</summary>
    public static SoftTargets SourceTargets(float[] shares, Device device) =>
        SoftTargets.Mixed(Mirror(shares.Length), shares, device);

    /// <summary>Targets of mixed images among mixed ones: 1 on the own and λc on the
    /// partner's, over their sum.</summary>
    public static SoftTargets MixedTargets(float[] shares, Device device) =>
        SoftTargets.Mixed(Mirror(shares.Length), Array.ConvertAll(Common(shares), common => 1 / (1 + common)), device);

    private static long[] Mirror(int count) => [.. Enumerable.Range(0, count).Select(i => (long)count - 1 - i)];
}
