using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Optimization;

/// <summary>Gradients of the trainable groups of a network, flat as their parameters are.</summary>
internal sealed class GradientBuffer : IDisposable
{
    private readonly List<Tensor> _flat = [];
    private readonly List<Tensor> _views = [];
    private readonly bool _isOneOfMany;

    /// <summary>Allocates a gradient for every trainable parameter.</summary>
    /// <param name="parameters">The network's.</param>
    /// <param name="isOneOfMany">Whether others pass back through the same parameters at the same time.</param>
    public GradientBuffer(FlatParameters parameters, bool isOneOfMany = false)
    {
        _isOneOfMany = isOneOfMany;
        Groups = [.. parameters.Trainable];
        Parameters = [.. Groups.SelectMany(g => g.Slots).Select(s => (Tensor)s.Parameter)];
        foreach (var group in Groups)
        {
            using var scope = NewDisposeScope();
            var flat = zeros_like(group.Values).DetachFromDisposeScope();
            _flat.Add(flat);
            foreach (var slot in group.Slots)
                _views.Add(flat.narrow(0, slot.Offset, slot.Length).view(slot.Parameter.shape)
                    .DetachFromDisposeScope());
        }
    }

    /// <summary>The trainable groups, in the order of the flat gradients.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The trainable parameters, in the order of <see cref="Views"/>.</summary>
    public IList<Tensor> Parameters { get; }

    /// <summary>One flat gradient per group.</summary>
    public IReadOnlyList<Tensor> Flat => _flat;

    /// <summary>One gradient per parameter, views into <see cref="Flat"/>.</summary>
    public IReadOnlyList<Tensor> Views => _views;

    /// <summary>Replaces the content by d<paramref name="loss"/>/dθ.</summary>
    /// <exception cref="InvalidOperationException">The loss does not depend on a parameter.</exception>
    public void Backward(Tensor loss)
    {
        using var scope = NewDisposeScope();
        var gradients = GradientsOf(loss);
        using var noGrad = no_grad();
        for (int g = 0, first = 0; g < Groups.Count; first += Groups[g++].Slots.Count)
        {
            var slots = Groups[g].Slots;
            var own = gradients.Skip(first).Take(slots.Count).ToList();
            if (_flat[g].device_type != DeviceType.CPU && own.All(gradient => gradient.dtype == own[0].dtype))
                _flat[g].copy_(Joined(own, slots, _flat[g].numel()));
            else
                for (int i = 0; i < own.Count; i++) _views[first + i].copy_(own[i]);
        }
    }

    /// <summary>Replaces the content by the mean of <paramref name="shards"/>, of
    /// which this may be the first.</summary>
    public void Average(IReadOnlyList<GradientBuffer> shards)
    {
        if (shards.Count == 1 && ReferenceEquals(shards[0], this)) return;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        for (int g = 0; g < _flat.Count; g++)
        {
            if (!ReferenceEquals(shards[0], this)) _flat[g].copy_(shards[0]._flat[g]);
            for (int s = 1; s < shards.Count; s++) _flat[g].Add_(shards[s]._flat[g]);
            _flat[g].Mul_(1.0 / shards.Count);
        }
    }

    /// <summary>Clips every parameter's gradient on its own to L2 norm <paramref name="maxNorm"/>: g ← g·min(1,
    /// c/(‖g‖ + 1e-6)), as DINO does.</summary>
    /// <returns>The norms before clipping, one per parameter, in no order to rely on.</returns>
    public Tensor ClipEach(double maxNorm)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var norms = Groups.Select((group, g) => group.Runs.Norms(_flat[g])).ToList();
        for (int g = 0; g < Groups.Count; g++)
            Groups[g].Runs.Scale_(_flat[g], norms[g].Add(1e-6).reciprocal_().Mul_(maxNorm).ClampMax(1));
        return cat(norms).MoveToOuterDisposeScope();
    }

    /// <summary>Releases the buffers.</summary>
    public void Dispose()
    {
        foreach (var tensor in _views.Concat(_flat)) tensor.Dispose();
    }

    private List<Tensor> GradientsOf(Tensor loss)
    {
        var found = _isOneOfMany ? autograd.grad([loss], Parameters, allow_unused: true) : Accumulated(loss);
        int missing = found.ToList().FindIndex(gradient => gradient is null or { IsInvalid: true });
        if (missing < 0) return [.. found.OfType<Tensor>()];
        throw new InvalidOperationException("The loss does not depend on the parameter "
            + $"'{Groups.SelectMany(group => group.Slots).ElementAt(missing).Name}'.");
    }

    /// <summary>The gradients by way of the parameters, which only one pass at a time can take.</summary>
    /// <remarks>TorchSharp's <c>autograd.grad</c> lets an exception of libtorch through to where it ends the process,
    /// that of a GPU without memory too; its <c>backward</c> does not.</remarks>
    private IList<Tensor?> Accumulated(Tensor loss)
    {
        try
        {
            autograd.backward([loss], inputs: Parameters);
            return [.. Parameters.Select(parameter => parameter.grad)];
        }
        finally
        {
            foreach (var parameter in Parameters) parameter.grad = null;
        }
    }

    /// <summary>Gradients side by side as their slots are: one kernel instead of one for each.</summary>
    private static Tensor Joined(List<Tensor> gradients, IReadOnlyList<ParameterSlot> slots, long length)
    {
        var parts = new List<Tensor>(2 * gradients.Count);
        for (int i = 0; i < gradients.Count; i++)
        {
            parts.Add(gradients[i].reshape(-1));
            long gap = (i + 1 < slots.Count ? slots[i + 1].Offset : length) - slots[i].Offset - slots[i].Length;
            if (gap > 0) parts.Add(zeros([gap], gradients[i].dtype, gradients[i].device));
        }
        return cat(parts);
    }
}
