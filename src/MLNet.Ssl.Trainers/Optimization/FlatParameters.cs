using MLNet.Ssl.Networks;
using MLNet.Ssl.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Optimization;

/// <summary>A parameter's place in the flat buffer of its group.</summary>
/// <param name="Name">State-dict name.</param>
/// <param name="Parameter">The module's parameter; its storage is the slot, or the slot's shadow in bfloat16.</param>
/// <param name="Offset">First element in the group's buffer.</param>
/// <param name="Length">Number of elements.</param>
internal sealed record ParameterSlot(string Name, Parameter Parameter, long Offset, long Length)
{
    /// <summary>The slot in single precision, where the parameter is its shadow in bfloat16.</summary>
    internal Tensor? Master { get; init; }
}

/// <summary>Parameters that the optimiser treats alike, as one flat buffer.</summary>
internal sealed class ParameterGroup
{
    internal ParameterGroup(string name, Tensor values, Tensor? shadow, IReadOnlyList<ParameterSlot> slots)
    {
        Name = name;
        Values = values;
        Shadow = shadow;
        Slots = slots;
        Runs = SlotRuns.Of(slots);
    }

    /// <summary>Name of the group, one of <see cref="FlatParameters"/>' constants or a method's own.</summary>
    public string Name { get; }

    /// <summary>All elements of the group, 1-D, in single precision; the parameters are views into it.</summary>
    public Tensor Values { get; }

    /// <summary>The same elements in bfloat16, which the parameters of a network that computes in it are
    /// views into; null for others.</summary>
    internal Tensor? Shadow { get; }

    /// <summary>The parameters as few strided blocks.</summary>
    internal SlotRuns Runs { get; }

    /// <summary>The parameters, in the module's order.</summary>
    public IReadOnlyList<ParameterSlot> Slots { get; }
}

/// <summary>A network's parameters as views into one flat buffer per group, so that an update is a handful of
/// operators, not a loop over tensors.</summary>
/// <remarks>
/// Each parameter begins on a 64-byte boundary, where a tensor of its own would: matrix products give other last bits
/// elsewhere. The gaps stay zero. Make it after the module has reached its final device: moving a module replaces its
/// parameters. Never call <c>zero_grad</c> or <c>to</c> on the module afterwards.
/// </remarks>
public sealed class FlatParameters : IDisposable
{
    /// <summary>Group of weights, which decay.</summary>
    public const string Decayed = "decayed";

    /// <summary>Group of biases and normalisation weights, which do not decay.</summary>
    public const string Undecayed = "undecayed";

    /// <summary>Group of parameters that do not require a gradient.</summary>
    public const string Frozen = "frozen";

    // 64 bytes of single precision.
    private const int SlotElements = 16;

    private readonly Dictionary<string, string> _groupOf = [];

    /// <summary>Flattens the parameters of <paramref name="module"/>.</summary>
    /// <param name="module">The network, on its final device, in single precision.</param>
    /// <param name="groupOf">Names the group of a parameter that requires a gradient;
    /// <see cref="ByRank"/> by default.</param>
    /// <param name="precision">What the network is to compute in; for bfloat16 its parameters are replaced.</param>
    public FlatParameters(nn.Module module, Func<string, Parameter, string>? groupOf = null,
        Precision precision = Precision.Float32)
        : this(precision, module, (name, p) => p.requires_grad ? (groupOf ?? ByRank)(name, p) : Frozen) { }

    /// <summary>
    /// Flattens <paramref name="twin"/> in the layout and the precision of <paramref name="like"/>, so that buffers of
    /// the two correspond element by element. The twin may lack the last parameters, such as a predictor's.
    /// </summary>
    /// <exception cref="ArgumentException">The parameters differ in name or number of elements.</exception>
    public FlatParameters(nn.Module twin, FlatParameters like)
        : this(
            like.Precision, twin,
            (name, _) => like._groupOf.GetValueOrDefault(name)
                ?? throw new ArgumentException($"parameter '{name}' is not in the layout"))
    {
        foreach (var group in Groups)
        {
            var slots = like.Named(group.Name).Slots.Take(group.Slots.Count);
            if (!group.Slots.Select(s => (s.Name, s.Length)).SequenceEqual(slots.Select(s => (s.Name, s.Length))))
                throw new ArgumentException("the two networks differ in their parameters");
        }
    }

    private FlatParameters(Precision precision, nn.Module module, Func<string, Parameter, string> groupOf)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        (Module, Precision) = (module, precision);
        foreach (var (name, parameter) in module.named_parameters()) _groupOf[name] = groupOf(name, parameter);
        var masters = precision == Precision.BFloat16 ? MixedPrecision.ToBFloat16(module) : null;
        var all = module.named_parameters().ToList();
        Groups = [.. all.GroupBy(p => _groupOf[p.name]).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => Flatten(g.Key, [.. g], masters))];
    }

    /// <summary>What the network computes in.</summary>
    public Precision Precision { get; }

    /// <summary>The network.</summary>
    internal nn.Module Module { get; }

    /// <summary>The groups, ordered by name.</summary>
    internal IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The groups that an optimiser may move.</summary>
    internal IEnumerable<ParameterGroup> Trainable => Groups.Where(g => g.Name != Frozen);

    /// <summary>False for groups whose names begin with <see cref="Undecayed"/>: they
    /// neither decay nor adapt.</summary>
    public static bool Decays(string group) => !group.StartsWith(Undecayed, StringComparison.Ordinal);

    /// <summary>Weight decay for tensors of two or more dimensions, none for biases and one-dimensional
    /// (normalisation) weights.</summary>
    public static string ByRank(string name, Parameter parameter) =>
        name.EndsWith(".bias", StringComparison.Ordinal) || parameter.ndim <= 1 ? Undecayed : Decayed;

    /// <summary>Exponential moving average: θ ← m·θ + (1 − m)·<paramref name="source"/>. Buffers such as batch-norm
    /// statistics are not touched.</summary>
    /// <param name="source">Parameters in the same layout; what they have beyond it is not looked at.</param>
    /// <param name="momentum">m in [0, 1].</param>
    public void MoveTowards(FlatParameters source, double momentum)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var own in Groups)
            own.Values.Mul_(momentum)
                .Add_(source.Named(own.Name).Values.narrow(0, 0, own.Values.numel()), 1 - momentum);
        RefreshShadows();
    }

    /// <summary>Lets a network that computes in bfloat16 see what its masters have become.</summary>
    internal void RefreshShadows()
    {
        using var noGrad = no_grad();
        foreach (var group in Groups) group.Shadow?.copy_(group.Values);
    }

    /// <summary>Releases the flat buffers; the parameters keep their storage alive as
    /// long as the module lives.</summary>
    public void Dispose()
    {
        foreach (var group in Groups)
        {
            group.Values.Dispose();
            group.Shadow?.Dispose();
            foreach (var slot in group.Slots) slot.Master?.Dispose();
        }
    }

    private ParameterGroup Named(string name) => Groups.First(g => g.Name == name);

    private static long Aligned(long length) => (length + SlotElements - 1) / SlotElements * SlotElements;

    private static ParameterGroup Flatten(
        string name, List<(string name, Parameter parameter)> members, IReadOnlyDictionary<string, Tensor>? masters)
    {
        using var scope = NewDisposeScope();
        long total = members.Sum(m => Aligned(m.parameter.numel()));
        var device = members[0].parameter.device;
        var values = zeros(total, ScalarType.Float32, device).DetachFromDisposeScope();
        var shadow = members.Any(m => m.parameter.dtype == ScalarType.BFloat16)
            ? zeros(total, ScalarType.BFloat16, device).DetachFromDisposeScope()
            : null;
        var slots = new List<ParameterSlot>(members.Count);
        long offset = 0;
        foreach (var (slotName, parameter) in members)
        {
            long length = parameter.numel(), start = offset;
            Tensor View(Tensor flat) => flat.narrow(0, start, length).view(parameter.shape);
            var master = View(values);
            master.copy_(masters is null ? parameter : masters[slotName]);
            if (parameter.dtype == ScalarType.BFloat16)
            {
                parameter.set_(View(shadow!).copy_(master));
                MixedPrecision.Shadow(parameter, master.DetachFromDisposeScope());
                slots.Add(new(slotName, parameter, offset, length) { Master = master });
            }
            else
            {
                parameter.set_(master);
                slots.Add(new(slotName, parameter, offset, length));
            }
            offset += Aligned(length);
        }
        return new(name, values, shadow, slots);
    }
}
