using MLNet.Ssl.Distributed;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>
/// An online network and its slow copy, a moving average of its parameters: student and teacher of DINO, query and key
/// encoder of MoCo, online and target network of BYOL.
/// </summary>
/// <remarks>
/// The average is of parameters alone; the slow network's batch statistics come of its own passes. Both
/// networks must be on their final device.
/// </remarks>
/// <example><code>
/// EncoderWithHead Network() => 
///     new EncoderWithHead(backbone.Create(generator), new MlpHead(head, generator)).to(device);
/// var pair = new MomentumPair(Network(), Network());
/// var (features, queries) = pair.Online.Pass(views[0]);    // in Method.Forward
/// var keys = pair.Keys(views[1]);
/// pair.Update(momentum: 0.99);                              // in Method.AfterStep
/// </code></example>
public sealed class MomentumPair : IDisposable
{
    private readonly FlatParameters _target;

    /// <summary>
    /// Makes <paramref name="target"/>, which may lack the online network's predictor, a copy without gradients.
    /// The pair takes over both networks.
    /// </summary>
    /// <param name="online">The network that the optimiser moves.</param>
    /// <param name="target">One of the same architecture; its weights are overwritten.</param>
    /// <param name="groupOf">Names the group of a parameter, as in <see cref="FlatParameters"/>.</param>
    /// <param name="precision">What both compute in: <see cref="MethodContext.Precision"/>.</param>
    /// <exception cref="ArgumentException">The two networks differ in their parameters.</exception>
    public MomentumPair(
        EncoderWithHead online, EncoderWithHead target, Func<string, Parameter, string>? groupOf = null,
        Precision precision = Precision.Float32)
    {
        (Online, Target) = (online, target);
        var names = target.state_dict().Keys.ToHashSet();
        target.load_state_dict(online.state_dict().Where(entry => names.Contains(entry.Key)).ToDictionary());
        foreach (var parameter in target.parameters()) parameter.requires_grad = false;
        Parameters = new(online, groupOf, precision);
        _target = new(target, Parameters);
    }

    /// <summary>The network that the optimiser moves.</summary>
    public EncoderWithHead Online { get; }

    /// <summary>The slow network.</summary>
    public EncoderWithHead Target { get; }

    /// <summary>The online parameters, which <see cref="Method.Parameters"/> of a method hands out.</summary>
    public FlatParameters Parameters { get; }

    /// <summary>Both networks, under the names that the method has for them, for <see cref="Method.State"/>.</summary>
    /// <param name="online">Put before the names of the online network's tensors, with a dot.</param>
    /// <param name="target">Put before those of the slow network's.</param>
    public IEnumerable<(string Name, Tensor Value)> State(string online = "online", string target = "target") =>
        [.. Method.StateOf(online, Online), .. Method.StateOf(target, Target)];

    /// <summary>Moves the slow network: ξ ← m·ξ + (1 − m)·θ.</summary>
    /// <param name="momentum">m in [0, 1].</param>
    public void Update(double momentum) => _target.MoveTowards(Parameters, momentum);

    /// <summary>
    /// The target's outputs, without gradient. With groups, the batch is shuffled before it is split and sorted after,
    /// so that a query and its key never share batch statistics (MoCo's shuffled batch norm; He et al., arXiv
    /// 1911.05722, section 3.3). The batch is that of all processes.
    /// </summary>
    /// <param name="input">A view of the batch.</param>
    /// <param name="groups">Parts of the batch that are normalised on their own. Default 1.</param>
    /// <returns>(B, d), in the order of the input.</returns>
    public Tensor Keys(Tensor input, int groups = 1)
    {
        using var noGrad = no_grad();
        if (groups == 1) return Target.Pass(input).Output;
        var ranks = Communicator.Current;
        long rows = input.size(0), first = ranks.Rank * rows;
        var permutation = ranks.Broadcast(HostRandom.OfThisPass().Permutation(ranks.Count * rows));
        var order = NativeTensor.On(input.device, permutation);
        var shuffled = ranks.Gather(input).index_select(0, order.narrow(0, first, rows));
        var output = ranks.Gather(Target.Pass(shuffled, groups).Output);
        return output.index_select(0, order.argsort().narrow(0, first, rows));
    }

    /// <summary>Releases both networks.</summary>
    public void Dispose()
    {
        foreach (IDisposable part in new IDisposable[] { Parameters, _target, Online, Target }) part.Dispose();
    }
}
