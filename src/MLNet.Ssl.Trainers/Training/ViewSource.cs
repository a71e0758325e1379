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

    /// <summary>The views of some rows, a CPU tensor (rows, …) each, in the order the method expects; the caller owns
    /// them. Several threads may ask at once.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> is cancelled, which is looked
    /// at before every image.</exception>
    Tensor[] Render(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default);

    /// <summary>The same as it travels to an accelerator: what has few bytes,
    /// <see cref="Unpack"/> makes the views of.</summary>
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

/// <summary>
/// Rows of a table, each view but the whole ones with masking noise and resampling of its own. Draws
/// depend on seed, epoch and the batch.
/// </summary>
internal sealed class TableViews : IViewSource, IDisposable
{
    private readonly TableStore _table;
    private readonly TablePreprocessing _preprocessing;
    private readonly Tensor? _probabilities;
    private readonly Tensor? _units;
    private readonly double _resample;
    private readonly long _unitCount;
    private readonly int _views, _whole;
    private readonly ulong _seed;

    /// <param name="table">The rows, which stay the caller's and must live as long.</param>
    /// <param name="preprocessing">Applied to every batch: a second table would take as much memory again.</param>
    /// <param name="settings">How rows become views.</param>
    /// <param name="views">Views of a row.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="whole">Views, from the first on, that are left as they are.</param>
    public TableViews(
        TableStore table, TablePreprocessing preprocessing, TableSettings settings, int views, ulong seed,
        int whole = 0)
    {
        using var scope = NewDisposeScope();
        (_table, _preprocessing, _views, _whole, _seed) = (table, preprocessing, views, whole, seed);
        _resample = settings.ResampleProbability;
        if (settings.MaskProbability > 0)
        {
            _probabilities = MaskingNoise
                .Probabilities(table.Columns, settings.ContinuousSlots, settings.MaskProbability)
                .DetachFromDisposeScope();
        }
        if (_resample == 0) return;
        long[] units = SlotUnits.Of(table.Columns, settings.CategoricalSlots);
        (_units, _unitCount) = (tensor(units).DetachFromDisposeScope(), units[^1] + 1);
    }

    public int Count => _table.Count;

    public string Fingerprint => Checksum.Of(_table.Values);

    public Tensor[] Render(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        var indices = new long[rows.Length];
        for (int i = 0; i < indices.Length; i++) indices[i] = rows[i];
        var batch = _preprocessing.Apply(_table.Values.index_select(0, tensor(indices)));
        // A row occurs once an epoch, so the first one tells batches apart.
        using var generator = new Generator(SplitMix64.Hash(_seed, (ulong)epoch, (ulong)rows[0]), CPU);
        return [.. Enumerable.Range(0, _views).Select(view =>
            (view < _whole ? batch.alias() : Corrupt(batch, view, generator)).DetachFromDisposeScope())];
    }

    public void Dispose()
    {
        _probabilities?.Dispose();
        _units?.Dispose();
    }

    private Tensor Corrupt(Tensor batch, int number, Generator generator)
    {
        var view = batch;
        // SCARF's positive of a corrupted row is the row as it is.
        if (_units is not null && number > 0)
        {
            long[] shape = [batch.size(0), _unitCount];
            var donors = randint(batch.size(0), shape, ScalarType.Int64, CPU, generator: generator);
            view = MarginalResampling.Apply(view, rand(shape, generator: generator), donors, _units, _resample);
        }
        if (_probabilities is not null)
            view = MaskingNoise.Apply(view, rand(batch.shape, generator: generator), _probabilities);
        return ReferenceEquals(view, batch) ? batch.alias() : view;
    }
}
