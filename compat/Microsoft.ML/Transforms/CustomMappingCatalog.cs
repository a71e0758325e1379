namespace Microsoft.ML;

using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

public static class CustomMappingCatalog
{
    public static CustomMappingEstimator<TSrc, TDst> CustomMapping<TSrc, TDst>(this TransformsCatalog catalog, Action<TSrc, TDst> mapAction,
        string contractName, SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class, new()
        where TDst : class, new()
        => new(mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition);

    public static IDataView FilterByCustomPredicate<TSrc>(this DataOperationsCatalog catalog, IDataView input, Func<TSrc, bool> filterPredicate)
        where TSrc : class, new()
    {
        var filler = new ObjectFiller<TSrc>(input.Schema, ignoreMissingColumns: false);
        return new FilterView(input, filler.Columns.ToArray(), row =>
        {
            var (example, fill) = (new TSrc(), filler.Bind(row));
            return () =>
            {
                fill(example);
                return !filterPredicate(example);
            };
        }, inOrder: false);
    }
}
