using Microsoft.ML;
using Microsoft.ML.Runtime;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Hosting;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>
/// The protocols that measure how good an embedding is by the accuracy of a simple classifier on it;
/// <see cref="SelfSupervisedCatalog.Evaluate"/> gives it.
/// </summary>
/// <remarks>
/// All take training and test rows with a label, a key that one fitted <c>MapValueToKey</c> made for both, and an
/// embedding, a known-size vector of Single. Rows whose label is missing are left out. Both views are read once. They
/// compute on <see cref="MLContext.GpuDeviceId"/>, else on the CPU.
/// </remarks>
/// <example><code>
/// var labels = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
/// var (a, b) = (encoder.Transform(labels.Transform(train)), encoder.Transform(labels.Transform(test)));
/// Console.WriteLine(ssl.Evaluate.NearestNeighbors(a, b).Max(r => r.Accuracy));
/// Console.WriteLine(ssl.Evaluate.Linear(a, b, options: LinearProbeOptions.Dino).Accuracy);
/// </code></example>
public sealed class EvaluationCatalog
{
    private readonly MLContext _context;
    private readonly IHost _host;

    internal EvaluationCatalog(MLContext context)
    {
        _context = context;
        _host = ((IHostEnvironment)context).Register("Evaluate");
    }

    /// <summary>
    /// Accuracy of the weighted nearest-neighbour classifier, the protocol of DINO (<see cref="WeightedKnn"/>;
    /// <see href="https://arxiv.org/abs/2104.14294">arXiv 2104.14294</see>, section 4.1).
    /// </summary>
    /// <example><code>
    /// foreach (var r in ssl.Evaluate.NearestNeighbors(train, test, ks: [20]))
    ///     Console.WriteLine($"k = {r.NumberOfNeighbors}: {r.Accuracy:p1}");
    /// </code></example>
    /// <param name="train">Rows that vote.</param>
    /// <param name="test">Rows that are classified.</param>
    /// <param name="labelColumnName">Column of the classes, a key.</param>
    /// <param name="featureColumnName">Column of the embedding, a known-size vector of Single.</param>
    /// <param name="ks">Neighbours that vote, each at least 1; more than there are training rows means all. Null means
    /// DINO's 10, 20, 100 and 200, less those above the number of training rows; of fewer than 10 rows all.</param>
    /// <param name="temperature">Temperature T of the votes exp(similarity / T), above 0.</param>
    /// <param name="cancellationToken">Stops while rows are read, at the next one.</param>
    /// <returns>One result for each number of neighbours, with the settings it was made under.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type, the two views' keys or embeddings
    /// differ, or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">No row has a label, or a feature is not a finite number (the message
    /// names column, row and slot).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IReadOnlyList<NearestNeighborsAccuracy> NearestNeighbors(IDataView train, IDataView test,
        string labelColumnName = "Label", string featureColumnName = "Embedding", IReadOnlyList<int>? ks = null,
        float temperature = 0.07f,
        CancellationToken cancellationToken = default)
    {
        if (ks is not null) WeightedKnn.CheckNeighbors(ks);
        Check.Positive(temperature);
        NativeTorch.Require();
        using var scope = torch.NewDisposeScope();
        var (seen, unseen, _) = Read(train, test, null, labelColumnName, featureColumnName, cancellationToken);
        using var knn = new WeightedKnn(seen.Features, seen.Labels, seen.NumberOfClasses, temperature: temperature);
        return knn.Accuracy(unseen.Features, unseen.Labels, ks);
    }

    /// <summary>
    /// Accuracy of a linear classifier trained by SGD on the fixed embedding (<see cref="LinearProbe"/>, with the
    /// protocols' papers).
    /// </summary>
    /// <example><code>
    /// var linear = ssl.Evaluate.Linear(train, test, options: LinearProbeOptions.MoCoV3);
    /// Console.WriteLine($"{linear.Accuracy:p1} at learning rate {linear.Chosen.LearningRate}");
    /// </code></example>
    /// <param name="train">Rows to train on.</param>
    /// <param name="test">Rows that are classified.</param>
    /// <param name="labelColumnName">Column of the classes, a key.</param>
    /// <param name="featureColumnName">Column of the embedding, a known-size vector of Single.</param>
    /// <param name="options">How it is trained, such as <see cref="LinearProbeOptions.Dino"/>. Null means a sweep of
    /// eight learning rates.</param>
    /// <param name="validation">Rows by which the learning rate, and the epoch where the protocol keeps the best, is
    /// chosen. Null means the test rows, as the published protocols do: the figure is then that of the best choice for
    /// these rows.</param>
    /// <returns>The accuracy, what every learning rate came to, and the options.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type, the views' keys or embeddings
    /// differ, or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">No row has a label, or a feature is not a finite number (the message
    /// names column, row and slot); the training rows are all of one class; or training diverged at every learning
    /// rate.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public LinearEvaluation Linear(
        IDataView train, IDataView test, string labelColumnName = "Label", string featureColumnName = "Embedding",
        LinearProbeOptions? options = null, IDataView? validation = null)
    {
        options ??= new();
        options.Validate();
        NativeTorch.Require();
        using var scope = torch.NewDisposeScope();
        var (seen, unseen, chosenBy) =
            Read(train, test, validation, labelColumnName, featureColumnName, options.CancellationToken);
        var choice = chosenBy ?? unseen;
        using var probe = LinearProbe.Train(
            seen.OfSeveralClasses().Features, seen.Labels, seen.NumberOfClasses, options, choice.Features,
            choice.Labels);
        var (accuracy, topK, count) = probe.Accuracy(unseen.Features, unseen.Labels);
        return new(accuracy, topK, count, probe.Chosen, probe.Sweep, options, validation is null);
    }

    /// <summary>
    /// Accuracy of the closed-form least-squares classifier, i-Mix's protocol for tabular data
    /// (<see cref="ClosedFormProbe"/>; <see href="https://arxiv.org/abs/2010.08887">arXiv 2010.08887</see>).
    /// </summary>
    /// <example><code>
    /// Console.WriteLine($"{ssl.Evaluate.ClosedForm(train, test).Accuracy:p1}");
    /// </code></example>
    /// <param name="train">Rows to solve for.</param>
    /// <param name="test">Rows that are classified.</param>
    /// <param name="labelColumnName">Column of the classes, a key.</param>
    /// <param name="featureColumnName">Column of the embedding, a known-size vector of Single.</param>
    /// <param name="cancellationToken">Stops while rows are read, at the next one.</param>
    /// <exception cref="ArgumentException">A column is missing or of another type, or the two views' keys or embeddings
    /// differ.</exception>
    /// <exception cref="InvalidOperationException">No row has a label, or a feature is not a finite number (the message
    /// names column, row and slot).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ProbeAccuracy ClosedForm(
        IDataView train, IDataView test, string labelColumnName = "Label", string featureColumnName = "Embedding",
        CancellationToken cancellationToken = default)
    {
        NativeTorch.Require();
        using var scope = torch.NewDisposeScope();
        var (seen, unseen, _) = Read(train, test, null, labelColumnName, featureColumnName, cancellationToken);
        using var probe = ClosedFormProbe.Train(seen.Features, seen.Labels, seen.NumberOfClasses);
        return probe.Accuracy(unseen.Features, unseen.Labels);
    }

    private (LabeledRows Train, LabeledRows Test, LabeledRows? Validation) Read(
        IDataView train, IDataView test, IDataView? validation, string label, string features,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentException.ThrowIfNullOrEmpty(label);
        ArgumentException.ThrowIfNullOrEmpty(features);
        torch.Device device;
        using (var channel = _host.Start("Evaluate")) device = DeviceChoice.Of(_context, channel);
        // All schemas are checked before the first row is read, which may cost an embedding.
        var key = LabelColumn.Find(train.Schema, label, out _);
        int width = FloatVectors.Check(train.Schema.Find("feature", features));
        foreach (var other in new[] { test, validation }.OfType<IDataView>())
        {
            LabelColumn.CheckSame(key, LabelColumn.Find(other.Schema, label, out _));
            FloatVectors.Check(other.Schema.Find("feature", features), width);
        }
        LabeledRows Rows(IDataView view) => LabeledRows.Read(view, label, features, cancellation).To(device);
        return (Rows(train), Rows(test), validation is null ? null : Rows(validation));
    }
}
