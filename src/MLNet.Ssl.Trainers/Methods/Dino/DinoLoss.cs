using MLNet.Ssl.Distributed;
using MLNet.Ssl.Mixing;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace MLNet.Ssl.Methods;

/// <summary>DINO's self-distillation loss with centring and sharpening (Caron et al., arXiv
/// 2104.14294, Algorithm 1).</summary>
/// <remarks>
/// q_u = softmax((t_u − c)/τt), p_v = log softmax(s_v/τs); L is the mean of −Σ q_u·p_v over the 2·V − 2 pairs
/// of a global teacher view u and another student view v. After the loss, c ← 0.9·c + 0.1·mean(t): a loss
/// uses the centre of the step before. With <see cref="DinoCentering.SinkhornKnopp"/> q comes of the batch's own
/// logits and c is not used.
/// </remarks>
public sealed class DinoLoss : IDisposable
{
    // As DINOv2 and SwAV have it.
    private const int SinkhornIterations = 3;

    private readonly double _studentTemperature;
    private readonly double _centerMomentum;
    private readonly DinoCentering _centering;

    /// <summary>Begins with a centre of zeros.</summary>
    /// <param name="outputDimension">K, width of the head's output.</param>
    /// <param name="studentTemperature">τs.</param>
    /// <param name="centerMomentum">Share of the centre that a step keeps.</param>
    /// <param name="device">Where the centre lives.</param>
    /// <param name="centering">How the teacher's logits become probabilities.</param>
    public DinoLoss(long outputDimension, double studentTemperature = 0.1, double centerMomentum = 0.9,
        Device? device = null, DinoCentering centering = DinoCentering.Mean)
    {
        _studentTemperature = studentTemperature;
        _centerMomentum = centerMomentum;
        _centering = centering;
        Center = zeros([1, outputDimension], device: device).DetachFromDisposeScope();
    }

    /// <summary>c, (1, K), fp32.</summary>
    public Tensor Center { get; }

    /// <summary>The loss, a scalar, and the teacher's probabilities. Does not move the centre.</summary>
    /// <param name="student">Student logits (V·B, K), view-major, the two global views first. They may be in bfloat16;
    /// what is made of them is in single precision.</param>
    /// <param name="teacher">Teacher logits (2·B, K) of the global views, without gradient.</param>
    /// <param name="teacherTemperature">τt of this epoch.</param>
    public (Tensor Loss, Tensor TeacherProbabilities) Forward(Tensor student, Tensor teacher, double teacherTemperature)
    {
        long batch = teacher.size(0) / 2, views = student.size(0) / batch, width = teacher.size(1);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var targets = Probabilities(teacher, teacherTemperature);
        // A global view learns from the other one, a local view from both: all that is
        // summed over u is summed in the targets.
        var (perView, both) = (targets.view(2, batch, width), targets.view(2, batch, width).sum(dim: 0));
        double pairs = batch * (2 * views - 2), scale = 1 / (_studentTemperature * pairs);
        var (gradient, sum) = (empty_like(student), zeros([], ScalarType.Float32, student.device));
        // View by view: what is as large as all logits is the gradient alone.
        for (long v = 0; v < views; v++)
        {
            using var work = NewDisposeScope();
            var (q, mass) = v < 2 ? (perView.select(0, 1 - v), 1) : (both, 2);
            var logP = LogProbabilities(student.narrow(0, v * batch, batch));
            sum.Add_((q * logP).sum());
            // ∂/∂s of −Σ q·log softmax(s/τ) is (Σq·softmax(s/τ) − q)/τ.
            gradient.narrow(0, v * batch, batch).copy_(logP.exp_().Mul_(mass * scale).Add_(q, -scale));
        }
        var loss = KnownGradient.Of(student, sum.Mul(-1 / pairs), gradient);
        return (loss.MoveToOuterDisposeScope(), targets.MoveToOuterDisposeScope());
    }

    /// <summary>The teacher's centred and sharpened probabilities, without gradient.</summary>
    /// <param name="teacher">Raw teacher logits (N, K).</param>
    /// <param name="teacherTemperature">τt of this epoch.</param>
    public Tensor Probabilities(Tensor teacher, double teacherTemperature)
    {
        using var noGrad = no_grad();
        return _centering == DinoCentering.SinkhornKnopp
            ? SinkhornKnopp(teacher, teacherTemperature)
            : softmax((teacher - Center).Div_(teacherTemperature), -1);
    }

    /// <summary>
    /// exp(t/τt), scaled by turns so that all columns have the same sum over the rows of all processes, and so that
    /// every row's is 1.
    /// </summary>
    private static Tensor SinkhornKnopp(Tensor teacher, double temperature)
    {
        using var scope = NewDisposeScope();
        // A factor of a row changes nothing in the limit, and the softmax's keeps the exponential finite.
        var shares = softmax(teacher.Div(temperature), -1);
        for (int i = 0; i < SinkhornIterations; i++)
        {
            // Zeros of prototypes that are far from every row stay zeros.
            shares.div_(Communicator.Current.Sum_(shares.sum(0, keepdim: true)).ClampMin(1e-30));
            shares.div_(shares.sum(1, keepdim: true));
        }
        return shares.MoveToOuterDisposeScope();
    }

    /// <summary>SDMP's cross entropy of mixed images with a batch of probabilities, by targets over its rows (arXiv
    /// 2206.07692, Eq. 3 and 4).</summary>
    /// <param name="student">Student logits (B, K) of mixed images.</param>
    /// <param name="probabilities">(B, K), of the clean images or of the mixed ones.</param>
    /// <param name="targets">How much of which row is in an image.</param>
    public Tensor Mixed(Tensor student, Tensor probabilities, SoftTargets targets) =>
        targets.Weigh(LogProbabilities(student).mm(probabilities.t())).mean().neg();

    private Tensor LogProbabilities(Tensor student) =>
        log_softmax(student.to(ScalarType.Float32).Div(_studentTemperature), -1);

    /// <summary>Moves the centre towards the mean of the raw teacher logits of a whole batch.</summary>
    /// <param name="batchMean">(1, K).</param>
    public void UpdateCenter(Tensor batchMean)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Center.Mul_(_centerMomentum).Add_(batchMean, 1 - _centerMomentum);
    }

    /// <summary>Releases the centre.</summary>
    public void Dispose() => Center.Dispose();
}
