using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Mixing;

/// <summary>
/// Which columns of a row of scores are right, and how much: λ on the row's own label, 1 − λ on its partner's (i-Mix,
/// arXiv 2010.08887; SDMP, arXiv 2206.07692).
/// </summary>
/// <remarks>Every loss that mixing applies to is linear in its target, so the weighted sum of two columns is all a loss
/// needs to know of mixing.</remarks>
public sealed class SoftTargets : ITensorHolder
{
    private readonly Tensor _own;
    private readonly Tensor? _partner;
    private readonly Tensor? _share;

    IEnumerable<Tensor> ITensorHolder.Tensors => new[] { _own, _partner, _share }.OfType<Tensor>();

    private SoftTargets(Tensor own, Tensor? partner = null, Tensor? share = null) =>
        (_own, _partner, _share) = (own, partner, share);

    /// <summary>Hard targets: row i is of column i.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="device">Where the scores are.</param>
    public static SoftTargets Diagonal(long rows, Device device) =>
        new(TensorArithmetic.Range(rows, device).unsqueeze(1));

    /// <summary>Hard targets: every row is of column 0.</summary>
    /// <inheritdoc cref="Diagonal"/>
    public static SoftTargets First(long rows, Device device) => new(zeros([rows, 1], ScalarType.Int64, device));

    /// <summary>Row i is of column i with weight shares[i], and of column partners[i] with the rest.</summary>
    /// <param name="partners">A column for every row.</param>
    /// <param name="shares">λ in [0, 1], for every row or one for all.</param>
    /// <param name="device">Where the scores are.</param>
    /// <exception cref="ArgumentOutOfRangeException">A share lies outside [0, 1].</exception>
    public static SoftTargets Mixed(long[] partners, float[] shares, Device device)
    {
        foreach (float share in shares) Check.InRange(share, 0, 1, "λ");
        var own = TensorArithmetic.Range(partners.Length, device);
        return new(own.unsqueeze(1), NativeTensor.On(device, partners).unsqueeze(1), NativeTensor.On(device, shares));
    }

    /// <summary>The targets of <paramref name="count"/> rows from <paramref name="start"/> on.</summary>
    internal SoftTargets Rows(long start, long count)
    {
        Tensor? Part(Tensor? values) => values is null || values.size(0) == 1 ? values : values.narrow(0, start, count);
        return new(Part(_own)!, Part(_partner), Part(_share));
    }

    /// <summary>The same targets in scores with so many more columns in front.</summary>
    internal SoftTargets Shifted(long columns) =>
        columns == 0 ? this : new(_own.Add(columns), _partner?.Add(columns), _share);

    /// <summary>The targets' mean of every row of <paramref name="scores"/> (N, M), (N).</summary>
    public Tensor Weigh(Tensor scores)
    {
        var own = scores.gather(1, _own).squeeze(1);
        if (_partner is null || _share is null) return own;
        return (_share * own).AddCMul(_share.OneMinus(), scores.gather(1, _partner).squeeze(1));
    }

    /// <summary>The logarithm of the targets' mean of e^scores, (N), which no score underflows.</summary>
    internal Tensor LogWeigh(Tensor scores)
    {
        var own = scores.gather(1, _own).squeeze(1);
        if (_partner is null || _share is null) return own;
        return logaddexp(_share.log().Add(own), _share.OneMinus().log().Add(scores.gather(1, _partner).squeeze(1)));
    }

    /// <summary>The targets' mean of the rows of <paramref name="values"/> (M, d) that the
    /// columns stand for, (N, d).</summary>
    public Tensor Mean(Tensor values)
    {
        var own = values.index_select(0, _own.squeeze(1));
        if (_partner is null || _share is null) return own;
        var share = _share.unsqueeze(-1);
        return (share * own).AddCMul(share.OneMinus(), values.index_select(0, _partner.squeeze(1)));
    }
}
