using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>
/// Where the right class stands among all: top-k accuracy is the share of rows whose rank is below k.
/// </summary>
internal static class LabelRank
{
    /// <summary>
    /// Classes that "top-5" counts: where there are fewer, all of them, as protocols with few classes must.
    /// </summary>
    public static int TopK(int classes) => Math.Min(5, classes);

    /// <summary>
    /// Number of classes that are put before the right one; of equal scores the lower class comes first, as with arg
    /// max.
    /// </summary>
    /// <param name="scores">Scores (…,C). A NaN counts as above all others, so that a classifier which diverged gets
    /// nothing right.</param>
    /// <param name="labels">Classes, int64, of a shape that broadcasts to (…).</param>
    /// <returns>Ranks (…), int64, from 0.</returns>
    public static Tensor Of(Tensor scores, Tensor labels)
    {
        var shape = scores.shape;
        var index = labels.unsqueeze(-1).expand([.. shape[..^1], 1]);
        var own = scores.gather(-1, index);
        var ahead = scores.le(own).logical_not();
        var before = scores.eq(own).logical_and(TensorArithmetic.Range(shape[^1], scores.device).lt(index));
        return ahead.logical_or(before).sum(-1);
    }

    /// <summary>Accuracy of scores (N,C) against classes (N).</summary>
    public static ProbeAccuracy Accuracy(Tensor scores, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var rank = Of(scores, labels);
        int top = TopK((int)scores.shape[1]);
        double Share(int k) => rank.LessThan(k).sum().item<long>() / (double)rank.shape[0];
        return new(Share(1), Share(top), top);
    }
}
