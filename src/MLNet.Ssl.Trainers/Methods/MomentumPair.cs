using MLNet.Ssl.Distributed;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>An online network and its slow copy: a moving average of the parameters, with batch statistics of its own.</summary>
internal sealed class MomentumPair : IDisposable
{
    private readonly FlatParameters _target;

    /// <summary>Makes <paramref name="target"/>, which may lack the online network's predictor, a copy without gradients.</summary>
    public MomentumPair(EncoderWithHead online, EncoderWithHead target, Func<string, Parameter, string>? groupOf = null)
    {
        (Online, Target) = (online, target);
        var names = target.state_dict().Keys.ToHashSet();
        target.load_state_dict(online.state_dict().Where(entry => names.Contains(entry.Key)).ToDictionary());
        foreach (var parameter in target.parameters()) parameter.requires_grad = false;
        Parameters = new(online, groupOf);
        _target = new(target, Parameters);
    }

    public EncoderWithHead Online { get; }

    public EncoderWithHead Target { get; }

    /// <summary>The online parameters.</summary>
    public FlatParameters Parameters { get; }

    /// <summary>Both networks, under the names that the method has for them.</summary>
    public IEnumerable<(string Name, Tensor Value)> State(string online = "online", string target = "target") =>
        [.. Method.StateOf(online, Online), .. Method.StateOf(target, Target)];

    /// <summary>ξ ← m·ξ + (1 − m)·θ.</summary>
    public void Update(double momentum) => _target.MoveTowards(Parameters, momentum);

    /// <summary>
    /// The target's outputs, without gradient. With groups, the batch is shuffled before it is split and sorted after, so that a query and its key never
    /// share batch statistics (MoCo's shuffled batch norm); the batch is that of all processes.
    /// </summary>
    public Tensor Keys(Tensor input, int groups = 1)
    {
        using var noGrad = no_grad();
        if (groups == 1) return Target.Pass(input).Output;
        var ranks = Communicator.Current;
        long rows = input.size(0), first = ranks.Rank * rows;
        var permutation = ranks.Broadcast(HostRandom.OfThisPass().Permutation(ranks.Count * rows));
        var order = tensor(permutation, device: input.device);
        var shuffled = ranks.Gather(input).index_select(0, order.narrow(0, first, rows));
        var output = ranks.Gather(Target.Pass(shuffled, groups).Output);
        return output.index_select(0, order.argsort().narrow(0, first, rows));
    }

    public void Dispose()
    {
        foreach (IDisposable part in new IDisposable[] { Parameters, _target, Online, Target }) part.Dispose();
    }
}
