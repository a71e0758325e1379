using MLNet.Ssl.Weights;
using static TorchSharp.torch;

namespace MLNet.Ssl.Pretrained;

/// <summary>Brings a file's tensors and a network's together: all or none.</summary>
internal static class StateDictMatch
{
    /// <summary>Batch normalisation's counter, which old files lack and nothing here reads.</summary>
    public const string Counter = "num_batches_tracked";

    /// <summary>Modules that methods and classifiers put behind the features.</summary>
    private static readonly HashSet<string> Heads =
    [
        "head", "heads", "head_dist", "pre_logits", "fc", "classifier", "last_layer", "projector", "projection_head",
        "predictor", "prototypes",
        "queue", "queue_ptr", "pooler",
    ];

    /// <summary>Checks that the file has every tensor of the network, in its shape, and no more but heads.</summary>
    /// <exception cref="InvalidDataException">The message names the tensors, and both shapes.</exception>
    public static PretrainedReport Compare(StoredNetwork network, IEnumerable<(string Name, long[] Shape)> expected)
    {
        var (matched, missing) = (new HashSet<string>(), new List<string>());
        foreach (var (name, shape) in expected)
        {
            if (!network.Tensors.TryGetValue(name, out var tensor))
            {
                missing.Add(name);
                continue;
            }
            if (!tensor.Shape.SequenceEqual(shape))
            {
                throw new InvalidDataException(
                    $"tensor '{name}' is ({StoredTensor.Text(tensor.Shape)}) in the file, ({StoredTensor.Text(shape)}) "
                    + "in the network.");
            }
            if (tensor.IsExpanded || (!IsCounter(name) && !is_floating_point(tensor.Type)))
                throw new InvalidDataException($"tensor '{name}' is "
                    + $"{tensor}{(tensor.IsExpanded ? " of repeated elements" : "")}; expected weights.");
            matched.Add(name);
        }
        Refuse(missing.Where(name => !IsCounter(name)), "the file lacks");
        var unknown = network.Tensors.Keys.Where(name => !matched.Contains(name)).ToList();
        Refuse(unknown.Where(name => !Heads.Contains(name.Split('.')[0]) && !VisionTransformerNames.IsBeside(name)),
            "the network has no place for");
        return new(network.Place, [.. matched], missing, [.. unknown, .. network.Others]);
    }

    /// <summary>Fills a network with the matched tensors, one at a time: on an error it is partly filled.</summary>
    /// <exception cref="InvalidDataException">A weight is not a finite number; the
    /// message names the tensor.</exception>
    public static void Fill(StoredNetwork network, IReadOnlyDictionary<string, Tensor> state, PretrainedReport report)
    {
        using var _ = no_grad();
        foreach (string name in report.Matched)
        {
            using var scope = NewDisposeScope();
            state[name].copy_(Finite(name, network.Tensors[name].Read()));
        }
    }

    /// <summary>Copies the matched tensors into a network after all of them were read: on an
    /// error it stays as it was.</summary>
    /// <exception cref="InvalidDataException">A weight is not a finite number; the
    /// message names the tensor.</exception>
    public static void Copy(StoredNetwork network, IReadOnlyDictionary<string, Tensor> state, PretrainedReport report)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (name, value) in report.Matched.Select(name => (name, Finite(name, network.Tensors[name].Read())))
            .ToList())
            state[name].copy_(value);
    }

    private static Tensor Finite(string name, Tensor value)
    {
        using var scope = NewDisposeScope();
        return value.isfinite().all().item<bool>() ? value
            : throw new InvalidDataException($"tensor '{name}' holds values that are not finite.");
    }

    private static bool IsCounter(string name) => name.EndsWith(Counter, StringComparison.Ordinal);

    private static void Refuse(IEnumerable<string> names, string problem)
    {
        var list = names.ToList();
        if (list.Count == 0) return;
        string more = list.Count > 4 ? $" and {list.Count - 4} more" : "";
        throw new InvalidDataException($"{problem} {string.Join(", ", list.Take(4).Select(n => $"'{n}'"))}{more}.");
    }
}
