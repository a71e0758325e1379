using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests;

public sealed class DataTextTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    private string File_(params string[] lines)
    {
        File.WriteAllLines(_path, lines);
        return _path;
    }

    private sealed class Row
    {
        [LoadColumn(0)] public string Name { get; set; } = "";
        [LoadColumn(1, 3)] public float[] Features { get; set; } = [];
        [LoadColumn(4)] public int Count { get; set; }
    }

    private Row[] Load(char separator, bool hasHeader, bool allowQuoting, params string[] lines)
        => [.. _ml.Data.CreateEnumerable<Row>(_ml.Data.LoadFromTextFile<Row>(File_(lines), separator, hasHeader, allowQuoting), false)];

    [Fact]
    public void RangesBecomeVectorsInTheOrderOfLines()
    {
        var rows = Load(',', false, false, "a,1,2,3,4", "b,-1.5,2e2, 3 ,5");
        Assert.Equal(["a", "b"], rows.Select(r => r.Name));
        Assert.Equal([-1.5f, 200, 3], rows[1].Features);
        Assert.Equal([4, 5], rows.Select(r => r.Count));
    }

    [Theory]
    [InlineData("?")]
    [InlineData("NaN")]
    [InlineData("nan")]
    [InlineData("NA")]
    [InlineData("n/a")]
    [InlineData("rubbish")]
    public void MissingAndUnparsableRealsAreNaN(string token) => Assert.True(float.IsNaN(Load(',', false, false, $"a,1,{token},3,4")[0].Features[1]));

    [Fact]
    public void EmptyFieldsAndShortRowsGiveDefaults()
    {
        var rows = Load(',', false, false, ",1,,3,", "b");
        Assert.Equal(("", 0), (rows[0].Name, rows[0].Count));
        Assert.Equal([1f, 0, 3], rows[0].Features);
        Assert.Equal([0f, 0, 0], rows[1].Features);
    }

    [Fact]
    public void EmptyRealsAreNaNWhereAskedFor()
    {
        var options = new TextLoader.Options { Separators = [','], MissingRealsAsNaNs = true };
        var row = _ml.Data.CreateEnumerable<Row>(_ml.Data.LoadFromTextFile<Row>(File_("a,1,,3,"), options), false).Single();
        Assert.True(float.IsNaN(row.Features[1]));
        Assert.Equal(0, row.Count);
    }

    [Fact]
    public void AnUnparsableIntegerThrows()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Load(',', true, false, "h", "a,1,2,3,4", "a,1,2,3,x"));
        Assert.Contains("x in line 3, column Count", error.Message);
    }

    [Fact]
    public void TheHeaderNamesTheSlots()
    {
        var data = _ml.Data.LoadFromTextFile<Row>(File_("name,f1,f2,f3,n", "a,1,2,3,4"), ',', hasHeader: true);
        VBuffer<ReadOnlyMemory<char>> names = default;
        Assert.True(data.Schema["Features"].HasSlotNames());
        data.Schema["Features"].GetSlotNames(ref names);
        Assert.Equal(["f1", "f2", "f3"], names.DenseValues().Select(n => n.ToString()));
        Assert.Single(data.GetColumn<string>("Name"));
    }

    [Fact]
    public void QuotesProtectSeparatorsOnlyWhereAllowed()
    {
        Assert.Equal("x,\"y\"", Load(',', false, true, "\"x,\"\"y\"\"\",1,2,3,4")[0].Name);
        Assert.Equal("\"x", Load(',', false, false, "\"x,1,2,3,4")[0].Name);
        Assert.Equal(4, Load(',', false, true, "\"x,\"\"y\"\"\",1,2,3,4")[0].Count);
    }

    [Fact]
    public void AQuotedFieldMayGoOverLinesWhereAllowed()
    {
        var options = new TextLoader.Options { Separators = [','], AllowQuoting = true, ReadMultilines = true };
        var data = _ml.Data.LoadFromTextFile<Row>(File_("\"two", "lines\",1,2,3,4", "b,1,2,3,5"), options);
        Assert.Equal(["two\nlines", "b"], data.GetColumn<string>("Name"));
    }

    [Fact]
    public void TheDefaultSeparatorIsTheTabulator()
        => Assert.Equal(["a b,c"], _ml.Data.LoadFromTextFile(File_("a b,c\t1"), [new TextLoader.Column("X", DataKind.String, 0)]).GetColumn<string>("X"));

    [Fact]
    public void ListedColumnsAndOpenEndsAreFollowed()
    {
        var options = new TextLoader.Options
        {
            Separators = [';'],
            DecimalMarker = ',',
            MaxRows = 1,
            Columns = [new("Rest", DataKind.Double, [new TextLoader.Range(1, null)]), new("Picked", DataKind.Single, [new(2), new(0)]),
                new("Key", DataKind.UInt32, [new(0)], new KeyCount(5))]
        };
        var data = _ml.Data.LoadFromTextFile(File_("4;0,5;1", "7;8;9"), options);
        Assert.Equal("Vector<Double, 2>", data.Schema["Rest"].Type.ToString());
        Assert.Equal([0.5, 1], data.GetColumn<double[]>("Rest").Single());
        Assert.Equal([1f, 4f], data.GetColumn<float[]>("Picked").Single());
        Assert.Equal([5u], data.GetColumn<uint>("Key"));
    }

    [Fact]
    public void MostlyZerosComeSparse()
    {
        var vectors = _ml.Data.LoadFromTextFile<Row>(File_("a,0,7,0,1", "a,1,7,0,1"), ',').GetColumn<VBuffer<float>>("Features").ToArray();
        Assert.Equal([false, true], vectors.Select(v => v.IsDense));
        Assert.Equal([0f, 7, 0], vectors[0].DenseValues());
    }

    [Fact]
    public void RowsAreReadAsTheyAreAskedFor()
    {
        var data = _ml.Data.LoadFromTextFile<Row>(File_("a,1,2,3,4", "b,1,2,3,x"), ',');
        Assert.Equal(4, data.GetColumn<int>("Count").First());
        Assert.Equal(["a", "b"], data.GetColumn<string>("Name"));
        Assert.Null(data.GetRowCount());
    }

    private sealed class Unmapped
    {
        public float X { get; set; }
    }

    [Fact]
    public void AMemberWithoutAColumnIsNamed()
        => Assert.Contains("X", Assert.Throws<InvalidOperationException>(() => _ml.Data.LoadFromTextFile<Unmapped>(File_("1"))).Message);

    [Fact]
    public void AMissingFileIsNamed() => Assert.Throws<FileNotFoundException>(() => _ml.Data.LoadFromTextFile<Row>("nowhere.csv"));
}
