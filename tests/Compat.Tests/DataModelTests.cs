using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Compat.Tests;

public class DataModelTests
{
    private readonly MLContext _ml = new(seed: 1);

    public sealed class Row
    {
        public float X { get; set; }
        [VectorType(2)] public float[] V { get; set; } = [1, 2];
        public string Word { get; set; } = "";
    }

    public sealed class Doubled
    {
        public float Y { get; set; }
    }

    [CustomMappingFactoryAttribute("Double")]
    private sealed class DoubleFactory : CustomMappingFactory<Row, Doubled>
    {
        public override Action<Row, Doubled> GetMapping() => (from, to) => to.Y = 2 * from.X;
    }

    private sealed class Output
    {
        public float Y { get; set; }
        public float[] All { get; set; } = [];
        public uint Key { get; set; }
        public string Back { get; set; } = "";
        public float[] Hot { get; set; } = [];
    }

    private IDataView Data => _ml.Data.LoadFromEnumerable(new[] { "b", "a", "b" }.Select((w, i) => new Row { X = i, Word = w, V = [i, float.NaN] }).ToArray());

    private IEstimator<ITransformer> EveryTransform() => _ml.Transforms.CustomMapping(new DoubleFactory().GetMapping(), "Double")
        .Append(_ml.Transforms.Conversion.ConvertType("D", "V", DataKind.Double))
        .Append(_ml.Transforms.IndicateMissingValues("Missing", "V"))
        .Append(_ml.Transforms.Conversion.ConvertType("Missing", outputKind: DataKind.Single))
        .Append(_ml.Transforms.ReplaceMissingValues("V", replacementMode: MissingValueReplacingEstimator.ReplacementMode.Mean))
        .Append(_ml.Transforms.NormalizeMeanVariance("V", fixZero: false))
        .Append(_ml.Transforms.Conversion.MapValueToKey("Key", "Word"))
        .Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "Key"))
        .Append(_ml.Transforms.Categorical.OneHotEncoding("Hot", "Word"))
        .Append(_ml.Transforms.Concatenate("Joined", "V", "Hot", "Missing"))
        .Append(_ml.Transforms.CopyColumns("All", "Joined"))
        .Append(_ml.Transforms.DropColumns("Joined", "D"))
        .Append(_ml.Transforms.SelectColumns("All", "Y", "Key", "Back", "Hot"));

    private ITransformer SavedAndLoaded(ITransformer model, DataViewSchema schema, out DataViewSchema loadedSchema, Action<MemoryStream>? change = null)
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(model, schema, stream);
        change?.Invoke(stream);
        stream.Position = 0;
        return new MLContext().Model.Load(stream, out loadedSchema);
    }

    [Fact]
    public void AModelComesBackWithTheSchemaOfItsInput()
    {
        var model = EveryTransform().Fit(Data);
        var loaded = SavedAndLoaded(model, Data.Schema, out var schema);
        Assert.Equal(Data.Schema.Select(c => (c.Name, c.Type)), schema.Select(c => (c.Name, c.Type)));
        var (before, after) = (model.Transform(Data), loaded.Transform(Data));
        Assert.Equal(before.Schema.Select(c => c.ToString()), after.Schema.Select(c => c.ToString()));
        foreach (var (a, b) in _ml.Data.CreateEnumerable<Output>(before, false).Zip(_ml.Data.CreateEnumerable<Output>(after, false)))
            Assert.Equivalent(a, b, strict: true);
        Assert.Equal(["b", "a", "b"], after.GetColumn<string>("Back"));
        Assert.Equal([0f, 2, 4], after.GetColumn<float>("Y"));
    }

    [Fact]
    public void AnnotationsOfTheInputSchemaAreSaved()
    {
        var data = _ml.Transforms.Conversion.MapValueToKey("Word").Fit(Data).Transform(Data);
        SavedAndLoaded(_ml.Transforms.Conversion.MapKeyToValue("Word").Fit(data), data.Schema, out var schema);
        VBuffer<ReadOnlyMemory<char>> values = default;
        schema["Word"].GetKeyValues(ref values);
        Assert.Equal(["b", "a"], values.DenseValues().Select(v => v.ToString()));
    }

    [Fact]
    public void ForeignEntriesDoNotDisturbLoading()
    {
        var loaded = SavedAndLoaded(_ml.Transforms.CopyColumns("Y", "X").Fit(Data), Data.Schema, out _, stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true);
            using var entry = archive.CreateEntry("Foreign/weights.bin").Open();
            entry.Write(new byte[1000]);
        });
        Assert.Equal([0f, 1, 2], loaded.Transform(Data).GetColumn<float>("Y"));
    }

    [Fact]
    public void AMappingWithoutAContractCannotBeSaved()
    {
        var model = _ml.Transforms.CustomMapping<Row, Doubled>((_, _) => { }, contractName: null).Fit(Data);
        Assert.Throws<InvalidOperationException>(() => _ml.Model.Save(model, Data.Schema, new MemoryStream()));
    }

    private sealed class Outside(Action<ModelSaveContext> save) : ITransformer, IDisposable
    {
        public bool IsDisposed { get; private set; }
        public bool IsRowToRowMapper { get; init; } = true;
        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;
        public IDataView Transform(IDataView input) => input;
        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
            => ((ITransformer)new TransformerChain<ITransformer>()).GetRowToRowMapper(inputSchema);
        void ICanSaveModel.Save(ModelSaveContext ctx) => save(ctx);
        public void Dispose() => IsDisposed = true;
    }

    [Fact]
    public void ATransformerThatSavesNothingHasNoSignature()
    {
        var chain = new TransformerChain<ITransformer>(_ml.Transforms.CopyColumns("Y", "X").Fit(Data), new Outside(_ => { }));
        var error = Assert.Throws<InvalidOperationException>(() => _ml.Model.Save(chain, Data.Schema, new MemoryStream()));
        Assert.Contains("ModelSignature not specified!", error.Message);
    }

    [Fact]
    public void OneTransformerThatThrowsFailsTheWholeSave()
    {
        var chain = new TransformerChain<ITransformer>(new Outside(_ => throw new NotSupportedException("not me")),
            _ml.Transforms.CopyColumns("Y", "X").Fit(Data));
        Assert.Equal("not me", Assert.Throws<NotSupportedException>(() => _ml.Model.Save(chain, Data.Schema, new MemoryStream())).Message);
    }

    [Fact]
    public void AnOutsideTransformerMaySaveAsAChainOfBuiltInOnes()
    {
        var inner = _ml.Transforms.CopyColumns("Y", "X").Fit(Data);
        var loaded = SavedAndLoaded(new TransformerChain<ITransformer>(new Outside(((ICanSaveModel)inner).Save)), Data.Schema, out _);
        Assert.Equal([0f, 1, 2], loaded.Transform(Data).GetColumn<float>("Y"));
    }

    [Fact]
    public void AnEnginePredictsRowByRow()
    {
        using var engine = _ml.Model.CreatePredictionEngine<Row, Output>(EveryTransform().Fit(Data));
        var rows = new[] { new Row { X = 5, Word = "a", V = [1, 2] }, new Row { X = 6, Word = "new" } };
        var first = engine.Predict(rows[0]);
        Output second = new();
        engine.Predict(rows[1], ref second);
        Assert.Equal((10f, 2u, "a"), (first.Y, first.Key, first.Back));
        Assert.Equal((12f, 0u, ""), (second.Y, second.Key, second.Back));
        Assert.Equal([0f, 1], first.Hot);
        Assert.NotNull(engine.OutputSchema.GetColumnOrNull("All"));
    }

    private sealed class Sparse
    {
        public float Y { get; set; }
        public float Absent { get; set; } = 9;
    }

    [Fact]
    public void MissingOutputsAreLeftAloneUnlessForbidden()
    {
        var model = _ml.Transforms.CopyColumns("Y", "X").Fit(Data);
        using (var engine = _ml.Model.CreatePredictionEngine<Row, Sparse>(model)) Assert.Equal(9, engine.Predict(new Row()).Absent);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<Row, Sparse>(model, ignoreMissingColumns: false));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnEngineDisposesTheTransformerItOwns(bool owns)
    {
        var outside = new Outside(_ => { });
        var chain = new TransformerChain<ITransformer>(outside);
        _ml.Model.CreatePredictionEngine<Row, Row>(chain, new PredictionEngineOptions { OwnsTransformer = owns }).Dispose();
        Assert.Equal(owns, outside.IsDisposed);
        Assert.True(new PredictionEngineOptions().OwnsTransformer);
    }

    [Fact]
    public void AnEngineNeedsARowToRowMapper()
        => Assert.Throws<ArgumentException>(() => _ml.Model.CreatePredictionEngine<Row, Row>(new Outside(_ => { }) { IsRowToRowMapper = false }));

    private sealed class Keyed
    {
        [KeyType(3)] public uint Key { get; set; }
    }

    [Fact]
    public void KeysAddOneOnTheirWayIntoAnEngine()
    {
        using var engine = _ml.Model.CreatePredictionEngine<Keyed, Keyed>(new TransformerChain<ITransformer>());
        Assert.Equal([1u, 3, 0], new uint[] { 0, 2, 3 }.Select(k => engine.Predict(new Keyed { Key = k }).Key));
    }

    private sealed class AnyLength
    {
        public float[] V { get; set; } = [];
    }

    [Fact]
    public void ASchemaGivesAnEngineTheTypesOfItsInput()
    {
        var model = _ml.Transforms.NormalizeMinMax("V").Fit(Data);
        using var engine = _ml.Model.CreatePredictionEngine<AnyLength, AnyLength>(model, Data.Schema);
        Assert.Equal([0.5f, 0], engine.Predict(new AnyLength { V = [1, 3] }).V);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<AnyLength, AnyLength>(model));
    }

    [Fact]
    public async Task EnginesInManyThreadsShareOneTransformer()
    {
        var model = EveryTransform().Fit(Data);
        var options = new PredictionEngineOptions { OwnsTransformer = false };
        var sums = await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            using var engine = _ml.Model.CreatePredictionEngine<Row, Output>(model, options);
            return Enumerable.Range(0, 200).Sum(i => engine.Predict(new Row { X = thread * i }).Y);
        })));
        Assert.Equal([0f, 39800, 79600, 119400], sums);
    }
}
