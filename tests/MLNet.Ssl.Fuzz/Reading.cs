using Microsoft.ML;

namespace MLNet.Ssl.Fuzz;

/// <summary>The readers under test.</summary>
internal static class Reading
{
    private const int MostTensors = 64;

    private static readonly MLContext Context = new(seed: 1);

    /// <summary>A file of weights: the values and some tensors; and the network, if there is one.</summary>
    public static bool Weights(string path)
    {
        using (var checkpoint = Checkpoint.Open(path))
            foreach (var tensor in Tensors(checkpoint.Root).Take(MostTensors)) tensor.Read().Dispose();
        try
        {
            using var weights = PretrainedWeights.Open(path);
            weights.CreateBackbone().Dispose();
        }
        catch (InvalidDataException e) when (e.Message.Contains(path, StringComparison.Ordinal))
        {
        }
        return true;
    }

    /// <summary>A network, told by names and shapes, with its weights.</summary>
    public static bool Network(string path) => Network(path, NetworkCorpus.Heads);

    /// <summary>The same, in several files that an index names.</summary>
    public static bool Shards(string path)
    {
        NetworkCorpus.Shards(Path.GetDirectoryName(path)!);
        return Network(path, NetworkCorpus.HeadsOfShards);
    }

    private static bool Network(string path, int heads)
    {
        PretrainedEncoder.Load(path, new() { Heads = heads }).Dispose();
        return true;
    }

    public static bool Model(string path)
    {
        (Context.SelfSupervised().Model.Load(path, out _) as IDisposable)?.Dispose();
        return true;
    }

    public static bool Index(string path)
    {
        EmbeddingIndex.Load(path);
        return true;
    }

    /// <summary>An image, under a limit that an application may set.</summary>
    public static bool Image(string path)
    {
        RgbImages.MaxPixels = 1 << 20;
        try
        {
            RgbImages.Load(path);
            return true;
        }
        catch (InvalidOperationException e) when (
            e.InnerException is InvalidDataException or ArgumentException
                && e.Message.Contains(path, StringComparison.Ordinal))
        {
            return false;
        }
    }

    /// <summary>A folder of a run's checkpoints, of which nothing may be thrown: what is odd
    /// is passed over, by name.</summary>
    public static bool Run(string path)
    {
        using var folder = CheckpointFolder.Open(Path.GetDirectoryName(path)!);
        var log = new List<TrainingMessage>();
        bool fits = false;
        foreach (var saved in folder.Read(log.Add))
        {
            using (saved)
            {
                var misfit = saved.Misfit(RunCorpus.Run, RunCorpus.Steps, RunCorpus.State, _ => null);
                if (misfit is not (null or InvalidDataException or ArgumentException)) throw misfit;
                if (misfit?.Message.Contains(path, StringComparison.Ordinal) == false)
                    throw new FormatException($"no name in: {misfit.Message}");
                fits = misfit is null;
            }
        }
        if (log.Find(message => !message.Text.Contains(path, StringComparison.Ordinal)) is { } unnamed)
            throw new FormatException($"no name in: {unnamed.Text}");
        return fits;
    }

    private static IEnumerable<StoredTensor> Tensors(object? root)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var pending = new Stack<object?>([root]);
        while (pending.TryPop(out var value))
        {
            if (value is null || !seen.Add(value)) continue;
            if (value is StoredTensor tensor) yield return tensor;
            else if (value is OpaqueValue opaque) pending.Push(opaque.State);
            else if (value is IReadOnlyDictionary<string, object?> dictionary)
                foreach (var item in dictionary.Values) pending.Push(item);
            else if (value is IReadOnlyList<object?> list)
                foreach (var item in list) pending.Push(item);
        }
    }
}
