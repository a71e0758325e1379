using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Data;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>What training asks of its data: how many rows there are, and views of some of them.</summary>
internal interface IViewSource
{
    int Count { get; }

    /// <summary>Tells this data from other data.</summary>
    string Fingerprint { get; }

    /// <summary>The views of some rows, a CPU tensor (rows, …) each, in the order the method expects; the caller owns them.
    /// Several threads may ask at once.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> is cancelled, which is looked at before every image.</exception>
    Tensor[] Render(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default);

    /// <summary>The same as it travels to an accelerator: what has few bytes, <see cref="Unpack"/> makes the views of.</summary>
    Tensor[] Pack(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default) => Render(rows, epoch, stop);

    /// <summary>The views of what was packed, on its device, in the current dispose scope.</summary>
    Tensor[] Unpack(Tensor[] packed) => packed;
}

/// <summary>Augmented views of images.</summary>
internal sealed class ImageViews(IImageSource images, ViewPipeline pipeline) : IViewSource
{
    public int Count => images.Count;

    public string Fingerprint => images.Fingerprint;

    public Tensor[] Render(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default) =>
        pipeline.Render(images, rows, epoch, stop);

    public Tensor[] Pack(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default) =>
        pipeline.RenderBytes(images, rows, epoch, stop);

    public Tensor[] Unpack(Tensor[] packed) => pipeline.Normalize(packed);
}

/// <summary>Rows of a table, each view with masking noise of its own. Draws depend on seed, epoch and the batch.</summary>
internal sealed class TableViews : IViewSource, IDisposable
{
    private readonly Tensor _rows;
    private readonly Tensor? _probabilities;
    private readonly int _views;
    private readonly ulong _seed;

    /// <param name="table">The rows.</param>
    /// <param name="preprocessing">Applied once, to all of them.</param>
    /// <param name="settings">How rows become views.</param>
    /// <param name="views">Views of a row.</param>
    /// <param name="seed">Seed of the masks.</param>
    public TableViews(TableStore table, TablePreprocessing preprocessing, TableSettings settings, int views, ulong seed)
    {
        using var scope = NewDisposeScope();
        _rows = preprocessing.Apply(table.Values).DetachFromDisposeScope();
        (_views, _seed) = (views, seed);
        if (settings.MaskProbability == 0) return;
        _probabilities = MaskingNoise
            .Probabilities(table.Columns, settings.ContinuousSlots, settings.MaskProbability).DetachFromDisposeScope();
    }

    public int Count => (int)_rows.size(0);

    public string Fingerprint => Checksum.Of(_rows);

    public Tensor[] Render(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        var indices = new long[rows.Length];
        for (int i = 0; i < indices.Length; i++) indices[i] = rows[i];
        var batch = _rows.index_select(0, tensor(indices));
        if (_probabilities is null) return [.. Enumerable.Range(0, _views).Select(_ => batch.alias().DetachFromDisposeScope())];
        // A row occurs once an epoch, so the first one tells batches apart.
        using var generator = new Generator(SplitMix64.Hash(_seed, (ulong)epoch, (ulong)rows[0]), CPU);
        return [.. Enumerable.Range(0, _views).Select(_ =>
            MaskingNoise.Apply(batch, rand(batch.shape, generator: generator), _probabilities).DetachFromDisposeScope())];
    }

    public void Dispose()
    {
        _rows.Dispose();
        _probabilities?.Dispose();
    }
}
