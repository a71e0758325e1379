using MLNet.Ssl.Distributed;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using static TorchSharp.torch.nn.functional;

namespace MLNet.Ssl.FineTuning;

/// <summary>What a student is distilled by (Hinton et al., arXiv 1503.02531; SimCLR v2, arXiv
/// 2006.10029, Eq. 2 and 3).</summary>
internal static class DistillationLoss
{
    /// <summary>−Σ_y P_T(y; τ) log P_S(y; τ) with P(y; τ) = softmax(logits / τ), mean over the rows. The
    /// gradient goes to the student.</summary>
    /// <param name="student">(B, C).</param>
    /// <param name="teacher">(B, C).</param>
    /// <param name="temperature">τ above 0.</param>
    /// <param name="temperatureSquared">Times τ², as in the official code.</param>
    public static Tensor Soft(Tensor student, Tensor teacher, double temperature, bool temperatureSquared = true)
    {
        var loss = (softmax(teacher.detach().Div(temperature), 1) * log_softmax(student.Div(temperature), 1)).sum(1)
            .mean().neg();
        return temperatureSquared ? loss.Mul(temperature * temperature) : loss;
    }

    /// <summary>(1 − α)·CE with the true labels, mean over the rows of all processes that have one, +
    /// α·<see cref="Soft"/> over all.</summary>
    /// <param name="student">(B, C).</param>
    /// <param name="teacher">(B, C).</param>
    /// <param name="labels">(B), int64; −1 for none.</param>
    /// <param name="alpha">α in [0, 1].</param>
    /// <param name="temperature">τ above 0.</param>
    /// <param name="temperatureSquared">Times τ², as in the official code.</param>
    public static Tensor WithLabels(Tensor student, Tensor teacher, Tensor labels, double alpha, double temperature,
        bool temperatureSquared = true)
    {
        var soft = Soft(student, teacher, temperature, temperatureSquared);
        if (alpha == 1) return soft;
        // The mean over the ranks' losses follows, of which each has labels of its own number.
        var ranks = Communicator.Current;
        var labelled = ranks.Mean_(labels.GreaterThan(-1).sum().to(ScalarType.Float32)).ClampMin(1.0 / ranks.Count);
        var hard = cross_entropy(student, labels, ignore_index: -1, reduction: Reduction.Sum).div(labelled);
        return hard.Mul(1 - alpha).Add_(soft, alpha);
    }
}
