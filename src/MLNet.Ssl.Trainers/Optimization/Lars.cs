using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Optimization;

/// <summary>How LARS (You et al., arXiv 1708.03888) builds up speed; η is the learning rate, r the trust ratio, g the
/// gradient with its decay.</summary>
public enum LarsMomentum
{
    /// <summary>DINO, MoCo v3, BYOL: v ← μv + r·g, w ← w − η·v.</summary>
    RateOutside,

    /// <summary>SimCLR: v ← μv + η·r·g, w ← w − v.</summary>
    RateInside,

    /// <summary>As <see cref="RateInside"/>, with Nesterov's look-ahead: w ← w − (μv + η·r·g).</summary>
    Nesterov,

    /// <summary>The ratio is that of the momentum: v ← μv + g, w ← w − η·r(v)·v.</summary>
    Popular,
}

/// <summary>LARS: layer-wise adaptive rate scaling (You et al., arXiv 1708.03888). The step of a tensor is scaled
/// by r = 0.001·‖w‖/‖g + λw‖.</summary>
/// <remarks>Groups that do not decay (<see cref="FlatParameters.Decays"/>) are not adapted either; a
/// norm of zero makes r = 1.</remarks>
/// <param name="form">How speed is built up.</param>
/// <param name="momentum">μ.</param>
/// <param name="trustCoefficient">The factor 0.001.</param>
internal sealed class Lars(LarsMomentum form = LarsMomentum.RateOutside, double momentum = 0.9,
    double trustCoefficient = 0.001) : FlatOptimizer
{
    /// <inheritdoc/>
    protected override int StateTensors => 1;

    /// <inheritdoc/>
    protected override void Update(ParameterGroup group, Tensor gradient, Tensor[] state, long step,
        double learningRate, double weightDecay)
    {
        var (w, g, v) = (group.Values, gradient, state[0]);
        bool adapts = FlatParameters.Decays(group.Name);
        if (adapts && weightDecay != 0) g.Add_(w, weightDecay);
        if (form == LarsMomentum.Popular)
        {
            v.Mul_(momentum).Add_(g);
            g.copy_(v);
        }
        if (adapts) Adapt(group, g);
        switch (form)
        {
            case LarsMomentum.RateOutside:
                w.Add_(v.Mul_(momentum).Add_(g), -learningRate);
                break;
            case LarsMomentum.RateInside:
                w.sub_(v.Mul_(momentum).Add_(g, learningRate));
                break;
            case LarsMomentum.Nesterov:
                w.Add_(v.Mul_(momentum).Add_(g, learningRate), -momentum).Add_(g, -learningRate);
                break;
            default:
                w.Add_(g, -learningRate);
                break;
        }
    }

    private void Adapt(ParameterGroup group, Tensor gradient)
    {
        var (weights, gradients) = (group.Runs.Norms(group.Values), group.Runs.Norms(gradient));
        var known = weights.GreaterThan(0).logical_and(gradients.GreaterThan(0));
        group.Runs.Scale_(gradient, where(known, weights.Mul(trustCoefficient) / gradients, ones_like(weights)));
    }
}
