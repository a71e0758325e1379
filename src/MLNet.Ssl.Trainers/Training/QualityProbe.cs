using System.Diagnostics;
using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>
/// Measures embeddings without labels: a copy of the encoder, in evaluation mode, embeds two views of some training
/// rows. The method itself is only read.
/// </summary>
internal sealed class QualityProbe
{
    public const int MostRows = 512;

    private const int RowsAtATime = 64;

    // Of the run's time.
    private const double MostShare = 0.01;

    private readonly Method _method;
    private readonly Backbone _copy;
    private readonly IViewSource _views;
    private readonly Device _device;
    private readonly int _epoch;
    private readonly int[] _rows;
    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _spent;

    /// <param name="method">The method whose encoder is measured.</param>
    /// <param name="copy">A network of the same architecture in evaluation mode, which is overwritten.</param>
    /// <param name="views">The training rows.</param>
    /// <param name="device">Where the networks are.</param>
    /// <param name="epochs">Epochs of the run: the views are those of an epoch that is not trained on.</param>
    /// <param name="seed">Chooses the rows.</param>
    public QualityProbe(Method method, Backbone copy, IViewSource views, Device device, int epochs, ulong seed)
    {
        (_method, _copy, _views, _device, _epoch) = (method, copy, views, device, epochs);
        var order = ViewLoader.Order(views.Count, epochs, seed);
        _rows = order[..Math.Min(MostRows, order.Length)];
    }

    /// <summary>Whether measuring again leaves the run nearly as fast as it is.</summary>
    public bool IsCheap => _spent <= MostShare * Stopwatch.GetElapsedTime(_start);

    /// <summary>The progress with what is measured now.</summary>
    /// <exception cref="ArithmeticException">An embedding is not finite.</exception>
    public TrainingProgress Measure(TrainingProgress progress)
    {
        long start = Stopwatch.GetTimestamp();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        _copy.load_state_dict(_method.Encoder.Weights());
        var (first, second) = Embed();
        if (!first.isfinite().all().item<bool>())
            throw new ArithmeticException(
                $"the embeddings are not finite after step {progress.Step}: lower LearningRate, or clip gradients.");
        var unit = NtXent.Normalize(first);
        progress = progress with
        {
            RankMe = EmbeddingQuality.RankMe(first),
            Alignment = second is null ? null : EmbeddingQuality.Alignment(unit, NtXent.Normalize(second)),
            Uniformity = EmbeddingQuality.Uniformity(unit),
        };
        _spent += Stopwatch.GetElapsedTime(start);
        return progress;
    }

    /// <summary>Embeddings of the first views, and of the second ones where they are others.</summary>
    private (Tensor First, Tensor? Second) Embed()
    {
        List<Tensor> first = [], second = [];
        for (int row = 0; row < _rows.Length; row += RowsAtATime)
        {
            using var scope = NewDisposeScope();
            var views = _views.Render(_rows.AsSpan(row, Math.Min(RowsAtATime, _rows.Length - row)), _epoch);
            scope.Attach(views);
            first.Add(_copy.call(views[0].to(_device)).MoveToOuterDisposeScope());
            if (views.Length > 1 && !views[0].Equals(views[1]))
                second.Add(_copy.call(views[1].to(_device)).MoveToOuterDisposeScope());
        }
        return (cat(first, 0), second.Count == first.Count ? cat(second, 0) : null);
    }
}
