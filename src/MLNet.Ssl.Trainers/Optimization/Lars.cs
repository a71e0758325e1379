using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>LARS: layer-wise adaptive rate scaling (You et al., arXiv 1708.03888). The step of a tensor is scaled by 0.001·‖w‖/‖g + λw‖.</summary>
/// <remarks>
/// The group <see cref="FlatParameters.Undecayed"/> is neither decayed nor adapted. The two published momentum forms differ when the
/// learning rate changes: SimCLR keeps it inside the buffer, v ← μv + η·r·g, w ← w − v; DINO, MoCo v3 and BYOL keep it outside,
/// v ← μv + r·g, w ← w − η·v.
/// </remarks>
/// <param name="learningRateInMomentum">True for SimCLR's form.</param>
/// <param name="momentum">μ.</param>
/// <param name="trustCoefficient">The factor 0.001.</param>
public sealed class Lars(bool learningRateInMomentum = false, double momentum = 0.9, double trustCoefficient = 0.001) : FlatOptimizer
{
    /// <inheritdoc/>
    protected override int StateTensors => 1;

    /// <inheritdoc/>
    protected override void Update(ParameterGroup group, Tensor gradient, Tensor[] state, long step, double learningRate, double weightDecay)
    {
        if (group.Name != FlatParameters.Undecayed)
        {
            if (weightDecay != 0) gradient.add_(group.Values, weightDecay);
            foreach (var slot in group.Slots) Adapt(group.Values.narrow(0, slot.Offset, slot.Length), gradient.narrow(0, slot.Offset, slot.Length));
        }
        if (learningRateInMomentum)
        {
            state[0].mul_(momentum).add_(gradient, learningRate);
            group.Values.sub_(state[0]);
        }
        else
        {
            state[0].mul_(momentum).add_(gradient);
            group.Values.add_(state[0], -learningRate);
        }
    }

    private void Adapt(Tensor weights, Tensor gradient)
    {
        var (w, g) = (weights.norm(), gradient.norm());
        // A norm of zero leaves the gradient as it is.
        var ratio = where((w > 0).logical_and(g > 0), trustCoefficient * w / g, ones_like(w));
        gradient.mul_(ratio);
    }
}
