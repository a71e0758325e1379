using Microsoft.ML;
using MLNet.Ssl.Classification;
using MLNet.Ssl.DataView;
using MLNet.Ssl.Tensors;
using TorchSharp;

namespace MLNet.Ssl;

/// <summary>
/// A trainer of a classifier of embeddings: a key and a known-size vector of <see cref="float"/> in, a prediction's two
/// columns out.
/// </summary>
/// <typeparam name="TTransformer">What fitting gives.</typeparam>
public abstract class MulticlassTrainer<TTransformer> : IEstimator<TTransformer>
    where TTransformer : MulticlassTransformer
{
    private readonly MulticlassOptions _options;

    private protected MulticlassTrainer(MulticlassOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var label = LabelColumn.Find(inputSchema, _options.LabelColumnName);
        FloatVectors.Check(inputSchema.Find("feature", _options.FeatureColumnName));
        return inputSchema.With(MulticlassColumns.For(_options, label));
    }

    /// <summary>Learns from the labelled rows; rows whose label is missing are left out.</summary>
    /// <param name="input">The training data, read once.</param>
    /// <returns>The classifier; dispose of it, or of the chain it is in, to free its tensors.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">No row has a label, or a feature is not a finite number (the message
    /// names column, row and slot); or the rows do not allow what the options ask for.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled.</exception>
    public TTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        NativeTorch.Require();
        using var scope = torch.NewDisposeScope();
        return Learn(LabeledRows.Read(
            input, _options.LabelColumnName, _options.FeatureColumnName, _options.Cancellation));
    }

    private protected abstract TTransformer Learn(LabeledRows rows);
}
