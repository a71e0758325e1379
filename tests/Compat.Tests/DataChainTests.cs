using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests;

public class DataChainTests
{
    private readonly MLContext _ml = new(seed: 1);

    /// <summary>How an outside library gets the shape of a schema with public members alone.</summary>
    public static SchemaShape ShapeOf(DataViewSchema schema) => new SchemaSource(schema).Append(new PassThrough()).GetOutputSchema();

    private sealed class SchemaSource(DataViewSchema schema) : IDataLoader<object>
    {
        public DataViewSchema GetOutputSchema() => schema;
        public IDataView Load(object input) => throw new NotSupportedException();
        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException();
    }

    private sealed class PassThrough : IEstimator<ITransformer>
    {
        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;
        public ITransformer Fit(IDataView input) => throw new NotSupportedException();
    }

    private sealed class Row
    {
        public float X { get; set; }
    }

    private IDataView Data(params float[] xs) => _ml.Data.LoadFromEnumerable(xs.Select(x => new Row { X = x }).ToArray());

    private IEstimator<ITransformer> Double(string output, string input, Action? onCall = null)
    {
        var definition = SchemaDefinition.Create(typeof(Row));
        definition[0].ColumnName = input;
        var target = SchemaDefinition.Create(typeof(Row));
        target[0].ColumnName = output;
        return _ml.Transforms.CustomMapping<Row, Row>((from, to) =>
        {
            onCall?.Invoke();
            to.X = 2 * from.X;
        }, null, definition, target);
    }

    [Fact]
    public void TheShapeOfASchemaIsExact()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue("IsNormalized", BooleanDataViewType.Instance, true);
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Hidden", NumberDataViewType.Single);
        builder.AddColumn("Hidden", new VectorDataViewType(NumberDataViewType.Single, 4), annotations.ToAnnotations());
        builder.AddColumn("Any", new VectorDataViewType(TextDataViewType.Instance));
        builder.AddColumn("Key", new KeyDataViewType(typeof(byte), 3));
        var shape = ShapeOf(builder.ToSchema());
        Assert.Equal(["Hidden", "Any", "Key"], shape.Select(c => c.Name));
        Assert.Equal([SchemaShape.Column.VectorKind.Vector, SchemaShape.Column.VectorKind.VariableVector, SchemaShape.Column.VectorKind.Scalar],
            shape.Select(c => c.Kind));
        Assert.Equal([NumberDataViewType.Single, TextDataViewType.Instance, NumberDataViewType.Byte], shape.Select(c => c.ItemType));
        Assert.Equal([false, false, true], shape.Select(c => c.IsKey));
        Assert.Equal("IsNormalized", Assert.Single(shape[0].Annotations).Name);
    }

    [Fact]
    public void ADefaultColumnIsNoShape() => Assert.Throws<ArgumentException>(() => new SchemaShape([default]));

    [Fact]
    public void EveryEstimatorSeesWhatTheOnesBeforeMade()
    {
        var chain = Double("Y", "X").Append(Double("Z", "Y")).Append(_ml.Transforms.Concatenate("All", "X", "Y", "Z"));
        var data = Data(1, 2);
        Assert.Equal([[1f, 2, 4], [2f, 4, 8]], chain.Fit(data).Transform(data).GetColumn<float[]>("All"));
        Assert.Equal(3, chain.Fit(data).Count());
        Assert.IsType<ColumnConcatenatingTransformer>(chain.Fit(data).LastTransformer);
    }

    [Fact]
    public void AWrongShapeFailsBeforeAnythingIsTrained()
    {
        var fitted = false;
        var chain = Double("Y", "X").WithOnFitDelegate(_ => fitted = true).Append(_ml.Transforms.Conversion.MapKeyToValue("Y"));
        Assert.Throws<ArgumentOutOfRangeException>(() => chain.Fit(Data(1)));
        Assert.False(fitted);
    }

    [Fact]
    public void ACheckpointCachesDuringFitOnly()
    {
        int Calls(bool cache)
        {
            var calls = 0;
            var chain = new EstimatorChain<ITransformer>().Append(Double("Y", "X", () => calls++));
            if (cache) chain = chain.AppendCacheCheckpoint(_ml);
            var model = chain.Append(_ml.Transforms.NormalizeMinMax("Y")).Append(_ml.Transforms.NormalizeMinMax("Y")).Fit(Data(1, 2, 3));
            var fitting = calls;
            _ = model.Transform(Data(1, 2, 3)).GetColumn<float>("Y").ToArray();
            Assert.Equal(3, calls - fitting);
            return fitting;
        }
        Assert.Equal(6, Calls(cache: false));
        Assert.Equal(3, Calls(cache: true));
    }

    [Fact]
    public void ScopesPickTransformers()
    {
        var data = Data(1);
        var model = Double("Y", "X").Append(Double("X", "X"), TransformerScope.Training).Append(Double("Z", "X"), TransformerScope.Scoring).Fit(data);
        Assert.Equal([2f], model.Transform(data).GetColumn<float>("Z"));
        Assert.Equal([4f], model.Transform(data, TransformerScope.Everything).GetColumn<float>("Z"));
        Assert.Null(model.GetOutputSchema(data.Schema, TransformerScope.Training).GetColumnOrNull("Z"));
        Assert.Equal(2, model.GetModelFor(TransformerScope.Training).Count());
    }

    [Fact]
    public void AppendedTransformersFollow()
    {
        var data = Data(3);
        ITransformer first = Double("Y", "X").Fit(data);
        var chain = first.Append(Double("Z", "Y").Fit(first.Transform(data)));
        Assert.Equal([12f], chain.Transform(data).GetColumn<float>("Z"));
    }

    [Fact]
    public void AReplacedColumnHidesItsNamesakeAndKeepsItsIndex()
    {
        var data = Data(3);
        var output = Double("X", "X").Fit(data).Transform(data);
        Assert.Equal((2, 1), (output.Schema.Count, output.Schema["X"].Index));
        Assert.Equal([6f], output.GetColumn<float>("X"));
        Assert.Equal([3f], output.GetColumn<float>(output.Schema[0]));
    }

    [Fact]
    public void AViewKeepsOneSchemaAndPassesCountAndParallelCursorsThrough()
    {
        var data = _ml.Data.Cache(Data([.. Enumerable.Range(0, 9).Select(i => (float)i)]));
        var output = Double("Y", "X").Fit(data).Transform(data);
        Assert.Same(output.Schema, output.Schema);
        Assert.Equal(9, output.GetRowCount());
        Assert.True(output.CanShuffle);
        var read = new List<float>();
        foreach (var cursor in output.GetRowCursorSet([output.Schema["Y"]], 3))
        {
            using (cursor)
            {
                Assert.Same(output.Schema, cursor.Schema);
                var (getter, value) = (cursor.GetGetter<float>(output.Schema["Y"]), 0f);
                while (cursor.MoveNext())
                {
                    getter(ref value);
                    read.Add(value);
                }
            }
        }
        Assert.Equal(Enumerable.Range(0, 9).Select(i => 2f * i), read.Order());
    }
}
