using System.Reflection;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Transforms;

using Microsoft.ML.Data;

public sealed class CustomMappingEstimator<TSrc, TDst> : TrivialEstimator<CustomMappingTransformer<TSrc, TDst>>
    where TSrc : class, new()
    where TDst : class, new()
{
    internal CustomMappingEstimator(Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputSchemaDefinition,
        SchemaDefinition outputSchemaDefinition)
        : base(new CustomMappingTransformer<TSrc, TDst>(mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition)) { }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        foreach (var member in Transformer.Input)
        {
            var actual = inputSchema.Find(member.ColumnName);
            var wanted = SchemaShape.Column.Of(member.ColumnName, member.ColumnType);
            // A vector of known size serves where any size does.
            var fitsKind = actual.Kind == wanted.Kind || wanted.Kind == SchemaShape.Column.VectorKind.VariableVector
                && actual.Kind == SchemaShape.Column.VectorKind.Vector;
            if (!fitsKind || actual.IsKey != wanted.IsKey || !actual.ItemType.Equals(wanted.ItemType))
                throw SchemaMismatch.WrongType("input", member.ColumnName, wanted.GetTypeString(), actual.GetTypeString());
        }
        return inputSchema.With(SchemaShape.Create(Transformer.Output.Schema).ToArray());
    }
}

public sealed class CustomMappingTransformer<TSrc, TDst> : ITransformer, ILoadable
    where TSrc : class, new()
    where TDst : class, new()
{
    private readonly Action<TSrc, TDst> _mapAction;
    private readonly string _contractName;

    internal CustomMappingTransformer(Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition input = null, SchemaDefinition output = null)
    {
        (_mapAction, _contractName) = (mapAction ?? throw new ArgumentNullException(nameof(mapAction)), contractName);
        Input = input ?? SchemaDefinition.Create(typeof(TSrc), SchemaDefinition.Direction.Write);
        Output = new ObjectColumns<TDst>(output);
    }

    internal SchemaDefinition Input { get; }
    internal ObjectColumns<TDst> Output { get; }

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Mapper(inputSchema).OutputSchema;

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Mapper(input.Schema).View(input);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Mapper(inputSchema);

    private RowToRowMapper Mapper(DataViewSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        var filler = new ObjectFiller<TSrc>(schema, ignoreMissingColumns: false, Input);
        var sources = filler.Columns.Select(c => c.Index).ToArray();
        // The outputs of one row share one call of the action.
        var calls = new ConditionalWeakTable<DataViewRow, MappingCall>();
        return RowToRowMapper.Adding(schema, Output.Schema.Select(column => new MappedColumn(new DataViewSchema.DetachedColumn(column), sources,
            row => Output.CreateGetter(column.Index, calls.GetValue(row, r => new MappingCall(_mapAction, filler, r)).Result))));
    }

    private sealed class MappingCall
    {
        private readonly TDst _target = new();
        private readonly RowMemo _memo;

        public MappingCall(Action<TSrc, TDst> map, ObjectFiller<TSrc> filler, DataViewRow row)
        {
            var (source, fill) = (new TSrc(), filler.Bind(row));
            _memo = new RowMemo(row, () =>
            {
                fill(source);
                map(source, _target);
            });
        }

        public TDst Result()
        {
            _memo.Update();
            return _target;
        }
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        if (_contractName == null) throw new InvalidOperationException("Empty contract name for a transform: the transform cannot be saved");
        var writer = ctx.Begin<CustomMappingTransformer<TSrc, TDst>>();
        writer.Write(_contractName);
        writer.Write(_mapAction.Method.Module.Assembly.FullName);
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
    {
        var contract = ctx.Reader.ReadString();
        var components = ctx.Environment.ComponentCatalog;
        components.RegisterAssembly(Assembly.Load(ctx.Reader.ReadString()));
        var factory = components.CreateExtension<CustomMappingFactoryAttributeAttribute>(contract) as CustomMappingFactory<TSrc, TDst>
            ?? throw new InvalidOperationException($"No CustomMappingFactory with the contract '{contract}' was found");
        return new CustomMappingTransformer<TSrc, TDst>(factory.GetMapping(), contract);
    }
}

public abstract class CustomMappingFactory<TSrc, TDst>
    where TSrc : class, new()
    where TDst : class, new()
{
    protected CustomMappingFactory() { }

    public abstract Action<TSrc, TDst> GetMapping();
}

[AttributeUsage(AttributeTargets.Class, AllowMultiple = false)]
public sealed class CustomMappingFactoryAttributeAttribute : ExtensionBaseAttribute
{
    public CustomMappingFactoryAttributeAttribute(string contractName) : base(contractName) { }
}
