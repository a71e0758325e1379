using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests;

public class DataObjectTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Everything
    {
        public string Name { get; set; } = "";
        public float Value;
        [VectorType(2)] public float[] Pair { get; set; } = null!;
        public int[] Any { get; set; } = null!;
        [KeyType(3)] public uint Class { get; set; }
        [NoColumn] public object? Ignored { get; set; }
        [ColumnName("Renamed")] public bool Flag { get; set; }
        public string[] Words { get; set; } = null!;
    }

    private static Everything Row(float value)
        => new() { Name = $"n{value}", Value = value, Pair = [value, -value], Any = [1, 2, 3], Class = 1, Flag = true, Words = ["a", "b"] };

    [Fact]
    public void FieldsComeFirstThenPropertiesInTheOrderOfDeclaration()
    {
        var schema = _ml.Data.LoadFromEnumerable([Row(1)]).Schema;
        Assert.Equal(["Value", "Name", "Pair", "Any", "Class", "Renamed", "Words"], schema.Select(c => c.Name));
        Assert.Equal(["Single", "String", "Vector<Single, 2>", "VarVector<Int32>", "Key<UInt32, 0-2>", "Boolean", "VarVector<String>"],
            schema.Select(c => c.Type.ToString()));
    }

    [Fact]
    public void RowsComeBackAsTheyWere()
    {
        var data = _ml.Data.LoadFromEnumerable([Row(1), Row(2)]);
        var row = _ml.Data.CreateEnumerable<Everything>(data, reuseRowObject: false).Last();
        Assert.Equal(("n2", 2f, true), (row.Name, row.Value, row.Flag));
        Assert.Equal([2f, -2f], row.Pair);
        Assert.Equal([1, 2, 3], row.Any);
        Assert.Equal(["a", "b"], row.Words);
    }

    [Fact]
    public void RowObjectsAndArraysAreNewUnlessReuseIsAskedFor()
    {
        var data = _ml.Data.LoadFromEnumerable([Row(1), Row(2)]);
        var fresh = _ml.Data.CreateEnumerable<Everything>(data, reuseRowObject: false).ToArray();
        Assert.Equal([1f, 2f], fresh.Select(r => r.Pair[0]));
        Assert.Single(_ml.Data.CreateEnumerable<Everything>(data, reuseRowObject: true).ToArray().Distinct());
    }

    private sealed class Keyed
    {
        [KeyType(3)] public uint Class { get; set; }
        [KeyType(3), VectorType(2)] public byte[] Many { get; set; } = [];
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 0)]
    public void KeysInObjectsCountFromZeroAndInViewsFromOne(uint member, uint raw)
    {
        var data = _ml.Data.LoadFromEnumerable([new Keyed { Class = member, Many = [(byte)member, 0] }]);
        Assert.Equal([raw], data.GetColumn<uint>("Class"));
        Assert.Equal([(byte)raw, 1], data.GetColumn<byte[]>("Many").Single());
        Assert.Equal(raw, _ml.Data.CreateEnumerable<Keyed>(data, false).Single().Class);
    }

    [Fact]
    public void NullTextAndNullArraysAreEmpty()
    {
        var data = _ml.Data.LoadFromEnumerable([new Everything { Name = null! }]);
        Assert.Equal("", data.GetColumn<string>("Name").Single());
        Assert.Empty(data.GetColumn<float[]>("Pair").Single());
    }

    [Fact]
    public void TheLengthOfAFixedVectorIsNotChecked()
    {
        var data = _ml.Data.LoadFromEnumerable([new Everything { Pair = [1, 2, 3] }]);
        Assert.Equal(3, data.GetColumn<VBuffer<float>>("Pair").Single().Length);
    }

    [Fact]
    public void ANullRowThrows()
        => Assert.Throws<InvalidOperationException>(() => _ml.Data.LoadFromEnumerable([Row(1), null!]).GetColumn<float>("Value").ToArray());

    [Fact]
    public void TheSequenceIsEnumeratedOnEveryPassAndNotBefore()
    {
        var passes = 0;
        IEnumerable<Everything> Source()
        {
            passes++;
            yield return Row(1);
        }
        var data = _ml.Data.LoadFromEnumerable(Source());
        Assert.Equal(0, passes);
        _ = data.GetColumn<float>("Value").ToArray();
        _ = data.GetColumn<float>("Value").ToArray();
        Assert.Equal(2, passes);
        Assert.Null(data.GetRowCount());
    }

    [Fact]
    public void AViewOfAListIsAStreamThatKnowsItsCount()
    {
        var data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 20).Select(i => Row(i)).ToList());
        Assert.False(data.CanShuffle);
        Assert.Equal(20, data.GetRowCount());
        var cursors = data.GetRowCursorSet([data.Schema["Value"]], 4, new Random(1));
        using var cursor = Assert.Single(cursors);
        var (value, id) = (cursor.GetGetter<float>(data.Schema["Value"]), cursor.GetIdGetter());
        Assert.Equal(-1, cursor.Position);
        for (var i = 0; i < 20; i++)
        {
            Assert.True(cursor.MoveNext());
            float read = 0;
            DataViewRowId rowId = default;
            value(ref read);
            id(ref rowId);
            Assert.Equal((i, i, new DataViewRowId((ulong)i, 0)), (read, cursor.Position, rowId));
        }
    }

    [Fact]
    public void AGetterOfAnInactiveColumnOrOfAnotherTypeThrows()
    {
        var data = _ml.Data.LoadFromEnumerable([Row(1)]);
        using var cursor = data.GetRowCursor([data.Schema["Value"]]);
        Assert.False(cursor.IsColumnActive(data.Schema["Name"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["Name"]));
        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<double>(data.Schema["Value"]));
    }

    private sealed class Missing
    {
        public float Value { get; set; } = 7;
        public float Absent { get; set; } = 7;
    }

    [Fact]
    public void MissingColumnsThrowUnlessIgnored()
    {
        var data = _ml.Data.LoadFromEnumerable([Row(3)]);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.CreateEnumerable<Missing>(data, false));
        Assert.Contains("'Absent'", error.Message);
        var row = _ml.Data.CreateEnumerable<Missing>(data, false, ignoreMissingColumns: true).Single();
        Assert.Equal((3f, 7f), (row.Value, row.Absent));
    }

    private sealed class WrongType
    {
        public double Value { get; set; }
    }

    [Fact]
    public void AMemberOfAnotherTypeCannotBeBound()
    {
        var data = _ml.Data.LoadFromEnumerable([Row(3)]);
        var error = Assert.Throws<InvalidOperationException>(() => _ml.Data.CreateEnumerable<WrongType>(data, false));
        Assert.Contains("'Value' of type 'Single' to field or property 'Value' of type 'System.Double'", error.Message);
        Assert.Throws<InvalidOperationException>(() => data.GetColumn<double>("Value"));
        Assert.Throws<ArgumentOutOfRangeException>(() => data.GetColumn<double>("Nowhere"));
    }

    [Fact]
    public void ASchemaDefinitionRenamesRetypesAndAnnotates()
    {
        var definition = SchemaDefinition.Create(typeof(Everything));
        definition["Any"].ColumnType = new VectorDataViewType(NumberDataViewType.Int32, 3);
        definition["Value"].AddAnnotation("Unit", "kg".AsMemory(), TextDataViewType.Instance);
        definition["Value"].ColumnName = "Weight";
        var data = _ml.Data.LoadFromEnumerable([Row(2)], definition);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Int32, 3), data.Schema["Any"].Type);
        ReadOnlyMemory<char> unit = default;
        data.Schema["Weight"].Annotations.GetValue("Unit", ref unit);
        Assert.Equal("kg", unit.ToString());
        Assert.Equal([2f], data.GetColumn<float>("Weight"));
        Assert.Throws<ArgumentOutOfRangeException>(() => definition["Value"]);
    }

    private sealed class Loose
    {
        public float[] Features { get; set; } = [];
    }

    [Fact]
    public void ASchemaGivesTypesAndAnnotations()
    {
        var schema = new DataViewSchema.Builder();
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue("IsNormalized", BooleanDataViewType.Instance, true);
        schema.AddColumn("Features", new VectorDataViewType(NumberDataViewType.Single, 3), annotations.ToAnnotations());
        var data = _ml.Data.LoadFromEnumerable([new Loose { Features = [1, 2, 3] }], schema.ToSchema());
        Assert.Equal("Vector<Single, 3>", data.Schema["Features"].Type.ToString());
        Assert.True(data.Schema["Features"].IsNormalized());
    }

    private sealed class Point(int x) : IDisposable
    {
        public int X => x;
        public void Dispose() { }
    }

    private sealed class PointType : StructuredDataViewType
    {
        public PointType() : base(typeof(Point)) { }
        public override bool Equals(DataViewType? other) => other is PointType;
    }

    private sealed class PointTypeAttribute : DataViewTypeAttribute
    {
        public override void Register() => DataViewTypeManager.Register(new PointType(), typeof(Point), this);
        public override bool Equals(DataViewTypeAttribute? other) => other is PointTypeAttribute;
    }

    private sealed class WithPoint
    {
        [PointType] public Point? Where { get; set; }
        public float Value { get; set; }
    }

    [Fact]
    public void ARegisteredTypeOfOnesOwnIsAColumn()
    {
        var point = new Point(5);
        var data = _ml.Data.LoadFromEnumerable([new WithPoint { Where = point }]);
        Assert.IsType<PointType>(data.Schema["Where"].Type);
        Assert.Same(point, _ml.Data.CreateEnumerable<WithPoint>(data, false).Single().Where);
    }

    [Fact]
    public void CachesAndShufflesLoseColumnsOfStructuredTypes()
    {
        var data = _ml.Data.LoadFromEnumerable([new WithPoint { Where = new Point(5), Value = 2 }]);
        Assert.Equal(["Value"], _ml.Data.Cache(data).Schema.Select(c => c.Name));
        Assert.Equal(["Value"], _ml.Data.ShuffleRows(data).Schema.Select(c => c.Name));
    }

    private sealed class Unknown
    {
        public Random? Strange { get; set; }
    }

    [Fact]
    public void AnUnknownMemberTypeIsNamed()
        => Assert.Contains("Strange", Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable([new Unknown()])).Message);

    [Fact]
    public void APreviewShowsTheFirstRows()
    {
        var preview = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 5).Select(i => Row(i))).Preview(maxRows: 2);
        Assert.Equal(2, preview.RowView.Length);
        Assert.Equal([0f, 1f], preview.ColumnView[0].Values);
    }
}
