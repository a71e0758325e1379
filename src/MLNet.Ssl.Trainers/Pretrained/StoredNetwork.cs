using MLNet.Ssl.Weights;

namespace MLNet.Ssl.Pretrained;

/// <summary>A network found in a checkpoint: its tensors under the names that they have in the network alone.</summary>
/// <param name="Place">Where it was found: dictionaries joined by "/", then the prefix of its names, such as
/// "teacher/module.backbone.".</param>
/// <param name="Tensors">The network's tensors.</param>
/// <param name="Others">Names of the tensors beside it in the same dictionary.</param>
internal sealed record StoredNetwork(string Place, IReadOnlyDictionary<string, StoredTensor> Tensors,
    IReadOnlyList<string> Others)
{
    // A checkpoint nests its dictionaries once or twice, and holds two networks.
    private const int MaxDepth = 4, MaxNetworks = 16;

    /// <summary>Its kind; null for a network of no known one.</summary>
    public NetworkLayout? Layout { get; private init; }

    private IReadOnlyCollection<string> Names { get; init; } = [];

    /// <summary>Whether the file has a tensor of this name, which may be another library's, in this network.</summary>
    public bool Had(string name) => Names.Contains(name);

    /// <summary>True if a dictionary or a module on the way to it has this name.</summary>
    public bool Has(string name) => Place.Split('/', '.').Contains(name);

    /// <summary>Shape of a tensor that tells the architecture.</summary>
    public IReadOnlyList<long> Shape(string name, int dimensions)
    {
        if (!Tensors.TryGetValue(name, out var tensor))
            throw new InvalidDataException($"the network '{Place}' has no tensor '{name}'.");
        return tensor.Shape.Count == dimensions && !tensor.IsExpanded
            && tensor.Shape.All(n => n is > 0 and <= int.MaxValue)
            ? tensor.Shape
            : throw new InvalidDataException($"tensor '{name}' is {tensor}; expected {dimensions} dimensions.");
    }

    /// <summary>All networks of known kinds.</summary>
    public static List<StoredNetwork> FindAll(object? root)
    {
        var networks = new List<StoredNetwork>();
        var visited = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var pending = new Queue<(Way? Way, int Depth, object? Value)>([(null, 0, root)]);
        while (pending.TryDequeue(out var next))
        {
            if (next.Value is not IReadOnlyDictionary<string, object?> dictionary || !visited.Add(dictionary)) continue;
            foreach (var (prefix, layout) in Prefixes(dictionary))
            {
                if (networks.Count == MaxNetworks)
                    throw new InvalidDataException($"it holds more than {MaxNetworks} networks.");
                networks.Add(At(Way.Place(next.Way), prefix, dictionary, layout));
            }
            if (next.Depth == MaxDepth) continue;
            foreach (var (key, value) in dictionary)
                if (value is IReadOnlyDictionary<string, object?>)
                    pending.Enqueue((new(next.Way, key), next.Depth + 1, value));
        }
        return networks;
    }

    /// <summary>The keys that lead to a dictionary; joined only where it holds a network.</summary>
    private sealed record Way(Way? Before, string Key)
    {
        public static string Place(Way? way) => way is null ? "" : $"{Place(way.Before)}{way.Key}/";
    }

    /// <summary>A dictionary of tensors as it is, for networks of no known kind.</summary>
    public static StoredNetwork? Whole(object? root) =>
        root is IReadOnlyDictionary<string, object?> dictionary ? At("", "", dictionary, null) : null;

    private static StoredNetwork At(string place, string prefix, IReadOnlyDictionary<string, object?> dictionary,
        NetworkLayout? layout)
    {
        var tensors = new Dictionary<string, StoredTensor>();
        var others = new List<string>();
        foreach (var (name, value) in dictionary)
        {
            if (value is not StoredTensor tensor) continue;
            if (name.StartsWith(prefix, StringComparison.Ordinal)) tensors[name[prefix.Length..]] = tensor;
            else others.Add(name);
        }
        return new(place + prefix, layout?.Translate(tensors)
            ?? tensors, others)
        { Layout = layout, Names = tensors.Keys };
    }

    private static IEnumerable<(string Prefix,
        NetworkLayout Layout)> Prefixes(IReadOnlyDictionary<string, object?> dictionary) =>
        from entry in dictionary
        where entry.Value is StoredTensor
        from layout in NetworkLayout.All
        from anchor in layout.Anchors.Where(anchor => entry.Key.EndsWith(anchor, StringComparison.Ordinal)).Take(1)
        let prefix = entry.Key[..^anchor.Length]
        where prefix.Length == 0 || prefix[^1] == '.'
        select (prefix, layout);
}
