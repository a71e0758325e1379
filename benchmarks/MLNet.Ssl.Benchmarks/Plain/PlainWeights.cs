using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>What the plain networks have in common: initial weights, groups of the optimiser,
/// weights of the other side.</summary>
internal static class PlainWeights
{
    /// <summary>A linear layer of DINO's initial weights, not truncated: TorchSharp's
    /// trunc_normal_ makes a constant.</summary>
    public static Module<Tensor, Tensor> Linear(long inputs, long outputs)
    {
        var layer = nn.Linear(inputs, outputs);
        init.normal_(layer.weight!, std: 0.02);
        init.zeros_(layer.bias!);
        return layer;
    }

    /// <summary>What is trained: with weight decay, and without it, which are biases and weights of norms.</summary>
    public static (List<Parameter> Decayed, List<Parameter> Others) Groups(Module network)
    {
        var trained = network.named_parameters().Where(p => p.parameter.requires_grad).ToList();
        bool Decays((string Name, Parameter Parameter) p) =>
            !p.Name.EndsWith(".bias", StringComparison.Ordinal) && p.Parameter.ndim > 1;
        return ([.. trained.Where(Decays).Select(p => p.parameter)],
            [.. trained.Where(p => !Decays(p)).Select(p => p.parameter)]);
    }

    /// <summary>Takes over the weights whose names begin with the prefix: all that are there,
    /// and all that are trained.</summary>
    public static void Load(Module network, IReadOnlyDictionary<string, Tensor> weights, string prefix)
    {
        using var noGrad = no_grad();
        var parameters = network.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        var given = weights.Where(w => w.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(w => w.Key[prefix.Length..], w => w.Value);
        var trained = parameters.Where(p => p.Value.requires_grad).Select(p => p.Key);
        var missing = trained.Except(given.Keys).Concat(given.Keys.Except(parameters.Keys)).ToList();
        if (missing.Count > 0)
            throw new InvalidDataException($"the sides do not agree about {string.Join(", ", missing)}");
        foreach (var (name, value) in given) parameters[name].copy_(value);
    }

    /// <summary>A loop over the parameters, as moving averages are written.</summary>
    public static void MoveTowards(Module slow, Module network, double momentum)
    {
        using var noGrad = no_grad();
        foreach (var (mean, value) in slow.parameters().Zip(network.parameters()))
            mean.mul_(momentum).add_(value, 1 - momentum);
    }

    /// <summary>Gives the slow network the weights of the other, and no gradients.</summary>
    public static void Share(Module slow, Module network)
    {
        slow.load_state_dict(network.state_dict());
        foreach (var parameter in slow.parameters()) parameter.requires_grad = false;
    }
}
