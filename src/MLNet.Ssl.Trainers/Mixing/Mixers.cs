using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Mixing;

/// <summary>Ways to mix a batch with another, as functions of tensors: what is drawn at
/// random comes from outside.</summary>
internal static class Mixers
{
    /// <summary>Mixup (Zhang et al., arXiv 1710.09412): λ·x + (1 − λ)·partner, for inputs of any shape.</summary>
    /// <param name="x">(B, …).</param>
    /// <param name="partner">The same shape; row i is mixed into row i.</param>
    /// <param name="shares">λ in [0, 1], for every row or one for all.</param>
    /// <exception cref="ArgumentOutOfRangeException">A share lies outside [0, 1].</exception>
    public static Tensor Mixup(Tensor x, Tensor partner, float[] shares)
    {
        foreach (float value in shares) Check.InRange(value, 0, 1, "λ");
        var share = NativeTensor.On(x.device, shares).view([-1, .. Enumerable.Repeat(1L, (int)x.ndim - 1)]);
        return (x * share).AddCMul(partner, share.OneMinus()).to(x.dtype);
    }

    /// <summary>CutMix (Yun et al., arXiv 1905.04899): a box of the partner in the same place of x.</summary>
    /// <param name="x">Images (B, C, H, W).</param>
    /// <param name="partner">The same shape; image i is cut into image i.</param>
    /// <param name="boxes">A box for every image or one for all.</param>
    /// <exception cref="ArgumentException">The input is not (B, C, H, W).</exception>
    public static Tensor CutMix(Tensor x, Tensor partner, MixBox[] boxes)
    {
        RequireImages(x, nameof(CutMix));
        return where(Inside(x, boxes), partner, x);
    }

    /// <summary>ResizeMix (Qin et al., arXiv 2012.11101): the whole partner, shrunk
    /// bilinearly, in a box of x.</summary>
    /// <inheritdoc cref="CutMix"/>
    public static Tensor ResizeMix(Tensor x, Tensor partner, MixBox[] boxes)
    {
        RequireImages(x, nameof(ResizeMix));
        var rows = Stretch(x.size(2), [.. boxes.Select(b => (b.Top, b.Bottom))], x.device);
        var columns = Stretch(x.size(3), [.. boxes.Select(b => (b.Left, b.Right))], x.device);
        var resized = rows.Products(partner.to(ScalarType.Float32)).Products(columns.transpose(-1, -2));
        return where(Inside(x, boxes), resized.to(x.dtype), x);
    }

    /// <summary>InputMix (Lee et al., arXiv 2010.08887): x and permutations of it, summed with
    /// <paramref name="coefficients"/>; labels stay x's.</summary>
    /// <param name="x">(B, …).</param>
    /// <param name="permutations">One permutation of the rows for every auxiliary.</param>
    /// <param name="coefficients">For every row, the weight of x and then that of every auxiliary.</param>
    public static Tensor InputMix(Tensor x, IReadOnlyList<long[]> permutations, IReadOnlyList<float[]> coefficients)
    {
        long[] shape = [-1, .. Enumerable.Repeat(1L, (int)x.ndim - 1)];
        Tensor Weight(int of) => NativeTensor.On(x.device, coefficients.Select(c => c[of]).ToArray()).view(shape);
        var mixed = x * Weight(0);
        for (int i = 0; i < permutations.Count; i++)
            mixed = mixed.AddCMul(x.index_select(0, NativeTensor.On(x.device, permutations[i])), Weight(i + 1));
        return mixed.to(x.dtype);
    }

    private static void RequireImages(Tensor x, string mixer)
    {
        if (x.ndim == 4) return;
        throw new ArgumentException($"{mixer} needs images (B,C,H,W); the input is ({string.Join(",", x.shape)}). "
            + "Mixup takes inputs of any shape.", nameof(x));
    }

    /// <summary>(boxes, 1, H, W), true inside.</summary>
    private static Tensor Inside(Tensor x, MixBox[] boxes)
    {
        Tensor Edge(Func<MixBox, int> edge) =>
            NativeTensor.On(x.device, boxes.Select(b => (long)edge(b)).ToArray()).view(-1, 1, 1, 1);
        var row = TensorArithmetic.Range(x.size(2), x.device).view(1, 1, -1, 1);
        var column = TensorArithmetic.Range(x.size(3), x.device).view(1, 1, 1, -1);
        return row.ge(Edge(b => b.Top)).logical_and(row.lt(Edge(b => b.Bottom)))
            .logical_and(column.ge(Edge(b => b.Left)).logical_and(column.lt(Edge(b => b.Right))));
    }

    /// <summary>Bilinear maps (spans, 1, size, size) of a whole side onto spans of it, rows outside a span
    /// meaningless: (resized) = R·(whole).</summary>
    private static Tensor Stretch(long size, (int Start, int End)[] spans, Device device)
    {
        Tensor PerSpan(Func<(int Start, int End), float> value) =>
            NativeTensor.On(device, spans.Select(value).ToArray()).view(-1, 1, 1, 1);
        var pixel = TensorArithmetic.Range(size, device, ScalarType.Float32);
        var at = ((pixel.view(1, 1, -1, 1) - PerSpan(s => s.Start))
            .Add(0.5) * PerSpan(s => size / (float)Math.Max(1, s.End - s.Start)))
            .Add(-0.5).Clamp(0, size - 1);
        return (at - pixel.view(1, 1, 1, -1)).abs().OneMinus().ClampMin(0);
    }
}
