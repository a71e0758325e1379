using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests;

/// <summary>Components written against public members alone, as a library outside ML.NET has to.</summary>
public class DataOutsideTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Row
    {
        public float X { get; set; }
        public string Name { get; set; } = "";
    }

    private sealed class Output
    {
        public float[] E { get; set; } = [];
        public string Name { get; set; } = "";
    }

    /// <summary>Adds E = (x, x²).</summary>
    private sealed class Estimator : IEstimator<Transformer>
    {
        public bool FreshSchemas { get; init; }

        public Transformer Fit(IDataView input) => new() { FreshSchemas = FreshSchemas };

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            if (inputSchema.FirstOrDefault(c => c.Name == "X").Name == null)
                throw new ArgumentOutOfRangeException(nameof(inputSchema), "Could not find input column 'X'");
            var builder = new DataViewSchema.Builder();
            builder.AddColumn("E", new VectorDataViewType(NumberDataViewType.Single, 2));
            return new SchemaShape(inputSchema.Where(c => c.Name != "E").Concat(DataChainTests.ShapeOf(builder.ToSchema())));
        }
    }

    private sealed class Transformer : ITransformer
    {
        public bool FreshSchemas { get; init; }
        public int Rows { get; private set; }

        public bool IsRowToRowMapper => true;
        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => new Mapper(this, inputSchema).OutputSchema;
        public IDataView Transform(IDataView input) => new View(input, new Mapper(this, input.Schema));
        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new Mapper(this, inputSchema);
        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException();

        private sealed class Mapper : IRowToRowMapper
        {
            private readonly Transformer _owner;
            private readonly DataViewSchema _outputSchema;

            public Mapper(Transformer owner, DataViewSchema input)
            {
                (_owner, InputSchema) = (owner, input);
                _outputSchema = Build();
            }

            private DataViewSchema Build()
            {
                var builder = new DataViewSchema.Builder();
                builder.AddColumns(InputSchema);
                builder.AddColumn("E", new VectorDataViewType(NumberDataViewType.Single, 2));
                return builder.ToSchema();
            }

            public DataViewSchema InputSchema { get; }
            public DataViewSchema OutputSchema => _owner.FreshSchemas ? Build() : _outputSchema;

            public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
            {
                var wanted = dependingColumns.Select(c => c.Index).ToHashSet();
                return InputSchema.Where(c => wanted.Contains(c.Index) || wanted.Contains(InputSchema.Count) && c.Index == InputSchema["X"].Index);
            }

            public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) => new MappedRow(_owner, input, OutputSchema);
        }

        private sealed class MappedRow(Transformer owner, DataViewRow input, DataViewSchema schema) : DataViewRow
        {
            public override long Position => input.Position;
            public override long Batch => input.Batch;
            public override DataViewSchema Schema => schema;
            public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();
            public override bool IsColumnActive(DataViewSchema.Column column)
                => column.Index == input.Schema.Count || input.IsColumnActive(input.Schema[column.Index]);

            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            {
                if (column.Index < input.Schema.Count) return input.GetGetter<TValue>(input.Schema[column.Index]);
                var (x, value) = (input.GetGetter<float>(input.Schema["X"]), 0f);
                ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> destination) =>
                {
                    owner.Rows++;
                    x(ref value);
                    var editor = VBufferEditor.Create(ref destination, 2);
                    (editor.Values[0], editor.Values[1]) = (value, value * value);
                    destination = editor.Commit();
                };
                return (ValueGetter<TValue>)(Delegate)getter;
            }
        }

        private sealed class View(IDataView source, IRowToRowMapper mapper) : IDataView
        {
            public bool CanShuffle => source.CanShuffle;
            public DataViewSchema Schema => mapper.OutputSchema;
            public long? GetRowCount() => source.GetRowCount();

            public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
            {
                var active = columnsNeeded.ToArray();
                var cursor = source.GetRowCursor(mapper.GetDependencies(active), rand);
                return new Cursor(cursor, mapper.GetRow(cursor, active));
            }

            public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
                => [GetRowCursor(columnsNeeded, rand)];
        }

        private sealed class Cursor(DataViewRowCursor source, DataViewRow row) : DataViewRowCursor
        {
            public override long Position => source.Position;
            public override long Batch => source.Batch;
            public override DataViewSchema Schema => row.Schema;
            public override ValueGetter<DataViewRowId> GetIdGetter() => row.GetIdGetter();
            public override bool IsColumnActive(DataViewSchema.Column column) => row.IsColumnActive(column);
            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => row.GetGetter<TValue>(column);
            public override bool MoveNext() => source.MoveNext();

            protected override void Dispose(bool disposing)
            {
                if (disposing) source.Dispose();
            }
        }
    }

    private IDataView Data => _ml.Data.LoadFromEnumerable(Enumerable.Range(1, 40).Select(i => new Row { X = i, Name = i % 2 == 0 ? "even" : "odd" }).ToArray());

    [Fact]
    public void ItStandsBetweenBuiltInTransforms()
    {
        var chain = _ml.Transforms.Conversion.MapValueToKey("Label", "Name").Append(new Estimator())
            .Append(_ml.Transforms.NormalizeMinMax("E")).Append(_ml.Transforms.Concatenate("All", "E", "X"))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Label"));
        var output = chain.Fit(Data).Transform(Data);
        Assert.Equal([1f, 1, 40], output.GetColumn<float[]>("All").Last());
        Assert.Equal(["odd", "even"], output.GetColumn<string>("Label").Take(2));
    }

    [Fact]
    public void ItServesAnEngine()
    {
        var model = new Estimator().Append(_ml.Transforms.CopyColumns("Copy", "E")).Fit(Data);
        using var engine = _ml.Model.CreatePredictionEngine<Row, Output>(model);
        Assert.Equal([3f, 9], engine.Predict(new Row { X = 3 }).E);
        Assert.Equal("n", engine.Predict(new Row { X = 4, Name = "n" }).Name);
    }

    [Fact]
    public void ItIsSplitShuffledCachedAndCut()
    {
        var output = new Estimator().Fit(Data).Transform(Data);
        IDataView[] views = [_ml.Data.TrainTestSplit(output, 0.3).TestSet, _ml.Data.ShuffleRows(output, seed: 1), _ml.Data.Cache(output),
            _ml.Data.TakeRows(output, 5), _ml.Data.SkipRows(output, 5)];
        foreach (var view in views)
        {
            var (xs, es) = (view.GetColumn<float>("X").ToArray(), view.GetColumn<float[]>("E").ToArray());
            Assert.NotEmpty(xs);
            Assert.Equal(xs.Select(x => new[] { x, x * x }), es);
        }
    }

    [Fact]
    public void ACacheSparesItTheSecondPass()
    {
        var model = new Estimator().Fit(Data);
        var cache = _ml.Data.Cache(model.Transform(Data));
        _ = cache.GetColumn<float[]>("E").ToArray();
        _ = cache.GetColumn<float[]>("E").ToArray();
        Assert.Equal(40, model.Rows);
    }

    [Fact]
    public void AMapperWithoutOneFixedSchemaIsRefused()
    {
        var model = new Estimator { FreshSchemas = true }.Append(_ml.Transforms.CopyColumns("Copy", "E")).Fit(Data);
        Assert.Throws<InvalidOperationException>(() => _ml.Model.CreatePredictionEngine<Row, Output>(model));
    }

    [Fact]
    public void ARowOfAnotherSchemaIsRefused()
    {
        var mapper = ((ITransformer)_ml.Transforms.CopyColumns("Copy", "X").Fit(Data)).GetRowToRowMapper(Data.Schema);
        using var cursor = Data.GetRowCursor(Data.Schema);
        Assert.Throws<ArgumentException>(() => mapper.GetRow(cursor, mapper.OutputSchema));
    }

    [Fact]
    public void AMissingColumnFailsInTheChainBeforeFit()
    {
        var chain = _ml.Transforms.DropColumns("X").Append(new Estimator());
        Assert.Throws<ArgumentOutOfRangeException>(() => chain.Fit(Data));
    }
}
