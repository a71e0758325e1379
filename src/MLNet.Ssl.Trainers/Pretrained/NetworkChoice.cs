namespace MLNet.Ssl.Pretrained;

/// <summary>Chooses among the networks of a checkpoint by the names that methods give to their two.</summary>
internal static class NetworkChoice
{
    private sealed record Pair(string Online, string Momentum, PretrainedNetwork Evaluated, bool IsNamedByBoth = false);

    private static readonly Pair[] Pairs =
    [
        new("student", "teacher", PretrainedNetwork.Momentum),
        new("encoder_q", "encoder_k", PretrainedNetwork.Online),
        new("base_encoder", "momentum_encoder", PretrainedNetwork.Online),
        // solo-learn's, and lightly's names for its two.
        new("backbone", "momentum_backbone", PretrainedNetwork.Online, IsNamedByBoth: true),
        new("backbone", "backbone_momentum", PretrainedNetwork.Online, IsNamedByBoth: true),
        new("student_backbone", "teacher_backbone", PretrainedNetwork.Momentum),
        // Supervised training with an averaged copy; without one, the first name says nothing.
        new("state_dict", "state_dict_ema", PretrainedNetwork.Momentum, IsNamedByBoth: true),
        new("model", "model_ema", PretrainedNetwork.Momentum, IsNamedByBoth: true),
    ];

    public static StoredNetwork Choose(IReadOnlyList<StoredNetwork> networks, PretrainedOptions options)
    {
        if (options.Place is { } place)
        {
            return networks.FirstOrDefault(n => n.Place == place)
                ?? throw new InvalidDataException($"{nameof(PretrainedOptions.Place)} is '{place}', where it holds no "
                    + $"network, only {Places(networks)}.");
        }
        var wanted = options.Network;
        if (networks.Count == 0)
        {
            throw new InvalidDataException(
                "no known network is in it; known are vision transformers and ResNets under the names of DINO, MoCo, "
                + "DeiT and timm, and torchvision.");
        }
        var named = networks;
        if (Pairs.FirstOrDefault(p =>
            networks.Any(n => n.Has(p.Momentum) || (!p.IsNamedByBoth && n.Has(p.Online)))) is { } pair)
        {
            string name = (wanted == PretrainedNetwork.Auto ? pair.Evaluated : wanted) == PretrainedNetwork.Online
                ? pair.Online : pair.Momentum;
            named = [.. networks.Where(n => n.Has(name))];
            if (named.Count == 0 && wanted == PretrainedNetwork.Auto) named = networks;
            if (named.Count == 0)
                throw new InvalidDataException($"{nameof(PretrainedOptions.Network)} is {wanted}, but it holds no "
                    + $"'{name}', only {Places(networks)}.");
        }
        return named.Count == 1 ? named[0] : throw new InvalidDataException(
            $"it holds {named.Count} networks and no telling which is meant: {Places(named)}.");
    }

    private static string Places(IEnumerable<StoredNetwork> networks) =>
        string.Join(", ", networks.Select(n => $"'{n.Place}'"));
}
