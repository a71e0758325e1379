namespace Microsoft.ML.Transforms
{
    using Microsoft.ML.Data;

    /// <summary>Values to keys, keys to indicator vectors.</summary>
    public sealed class OneHotEncodingEstimator : IEstimator<OneHotEncodingTransformer>
    {
        private readonly EstimatorChain<ITransformer> _chain;

        internal OneHotEncodingEstimator(InputOutputColumnPair[] columns, OutputKind outputKind, int maximumNumberOfKeys,
            ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality, IDataView keyData)
        {
            if (outputKind == OutputKind.Binary) throw new NotSupportedException("Binary encoding is not supported here");
            var toKey = new ValueToKeyMappingEstimator(columns, maximumNumberOfKeys, keyOrdinality, false, keyData);
            var chain = new EstimatorChain<ITransformer>().Append<ITransformer>(toKey);
            var keys = Array.ConvertAll(columns, pair => new InputOutputColumnPair(pair.OutputColumnName));
            _chain = outputKind == OutputKind.Key ? chain : chain.Append<ITransformer>(new KeyToVectorMappingEstimator(keys, outputKind == OutputKind.Bag));
        }

        public enum OutputKind : byte
        {
            Bag = 1,
            Indicator = 2,
            Key = 3,
            Binary = 4
        }

        public OneHotEncodingTransformer Fit(IDataView input) => new(_chain.Fit(input));

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _chain.GetOutputSchema(inputSchema);
    }

    public sealed class OneHotEncodingTransformer : ITransformer, ILoadable
    {
        private readonly ITransformer _chain;

        internal OneHotEncodingTransformer(ITransformer chain) => _chain = chain;

        bool ITransformer.IsRowToRowMapper => _chain.IsRowToRowMapper;
        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => _chain.GetOutputSchema(inputSchema);
        public IDataView Transform(IDataView input) => _chain.Transform(input);
        IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => _chain.GetRowToRowMapper(inputSchema);

        void ICanSaveModel.Save(ModelSaveContext ctx)
        {
            ctx.Begin<OneHotEncodingTransformer>();
            ctx.Save(_chain, "Chain");
        }

        static ICanSaveModel ILoadable.Load(ModelLoadContext ctx) => new OneHotEncodingTransformer((ITransformer)ctx.Load("Chain"));
    }
}

namespace Microsoft.ML
{
    using Microsoft.ML.Transforms;

    public static class CategoricalCatalog
    {
        public static OneHotEncodingEstimator OneHotEncoding(this TransformsCatalog.CategoricalTransforms catalog, string outputColumnName,
            string inputColumnName = null,
            OneHotEncodingEstimator.OutputKind outputKind = OneHotEncodingEstimator.OutputKind.Indicator, int maximumNumberOfKeys = 1000000,
            ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality = ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence, IDataView keyData = null)
            => catalog.OneHotEncoding([new InputOutputColumnPair(outputColumnName, inputColumnName)], outputKind, maximumNumberOfKeys, keyOrdinality, keyData);

        public static OneHotEncodingEstimator OneHotEncoding(this TransformsCatalog.CategoricalTransforms catalog, InputOutputColumnPair[] columns,
            OneHotEncodingEstimator.OutputKind outputKind = OneHotEncodingEstimator.OutputKind.Indicator, int maximumNumberOfKeys = 1000000,
            ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality = ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence, IDataView keyData = null)
            => new(columns, outputKind, maximumNumberOfKeys, keyOrdinality, keyData);
    }
}
