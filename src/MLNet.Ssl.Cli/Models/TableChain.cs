using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Cli.Input;
using static Microsoft.ML.Transforms.MissingValueReplacingEstimator;

namespace MLNet.Ssl.Cli.Models;

/// <summary>Columns of a table as one vector: numbers with their gaps filled, a slot for every word.</summary>
internal static class TableChain
{
    public const string Features = "mlssl.Features";

    private const string Numbers = "mlssl.Numbers";

    public static EstimatorChain<ITransformer> Of(MLContext context, TableSource source)
    {
        var transforms = context.Transforms;
        var schema = ((IDataView)source.Frame).Schema;
        string[] numbers = [.. schema.Where(column => column.Type is NumberDataViewType).Select(column => column.Name)];
        string[] words = [.. schema.Where(column => column.Type is TextDataViewType).Select(column => column.Name)];
        var chain = new EstimatorChain<ITransformer>();
        var parts = new List<string>();
        if (numbers.Length > 0)
        {
            chain = chain.Append((IEstimator<ITransformer>)transforms.Concatenate(Numbers, numbers))
                .Append((IEstimator<ITransformer>)transforms.ReplaceMissingValues(
                    Numbers, replacementMode: ReplacementMode.Mean));
            parts.Add(Numbers);
        }
        foreach (string word in words)
        {
            chain = chain.Append((IEstimator<ITransformer>)transforms.Categorical.OneHotEncoding($"mlssl.{word}",
                word));
            parts.Add($"mlssl.{word}");
        }
        return chain.Append((IEstimator<ITransformer>)transforms.Concatenate(Features, [.. parts]));
    }
}
