using Microsoft.Data.Analysis;
using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Models;
using Parquet;
using Parquet.Schema;

namespace MLNet.Ssl.Cli.Tests;

public sealed class InputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AFolderHasKeysByPathAndLabelsByFolder()
    {
        foreach (string name in new[] { "b/2.png", "b/deep/1.png", "a/1.png", "top.png", "a/notes.txt" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
            if (name.EndsWith("txt", StringComparison.Ordinal)) File.WriteAllText(_folder.File(name), "no");
            else RgbImages.Save(new(new byte[3 * 4 * 4], 4, 4), _folder.File(name));
        }
        var source = Assert.IsType<ImagePaths>(RowSource.Open(new(_folder.Path)));
        Assert.Equal(["a/1.png", "b/2.png", "b/deep/1.png", "top.png"], source.Keys);
        Assert.Equal(["a", "b", "deep", null], source.Labels);
        Assert.Equal([_folder.File("b/deep/1.png")], Paths(source, 2, 3));
    }

    [Theory]
    [InlineData("t.csv", ',')]
    [InlineData("t.tsv", '\t')]
    [InlineData("semi.csv", ';')]
    public void ATableHasNumbersAndWords(string name, char separator)
    {
        string[] lines = ["id,age,\"city, or town\",label", "x,1.5,\"Rome\",yes", "y,,Oslo,no",
            "z,NA,\"a \"\"b\"\"\",yes"];
        File.WriteAllLines(_folder.File(name), lines.Select(line => Swap(line, separator)));
        var source = Assert.IsType<TableSource>(RowSource.Open(new(_folder.File(name))));
        Assert.Equal(["x", "y", "z"], source.Keys);
        Assert.Equal(["yes", "no", "yes"], source.Labels);
        Assert.Equal(["age", "city, or town"], source.Frame.Columns.Select(column => column.Name));
        Assert.Equal([1.5f, null, null], Assert.IsType<SingleDataFrameColumn>(source.Frame.Columns[0]));
        Assert.Equal(["Rome", "Oslo", "a \"b\""], Assert.IsType<StringDataFrameColumn>(source.Frame.Columns[1]));
    }

    [Fact]
    public void AListNamesImagesFromItsFolder()
    {
        Directory.CreateDirectory(_folder.File("photos"));
        RgbImages.Save(new(new byte[3 * 4 * 4], 4, 4), _folder.File("photos/a.png"));
        File.WriteAllText(_folder.File("list.csv"), "path,class\nphotos/a.png,cat\nphotos/none.png,dog\n");
        var source = Assert.IsType<ImagePaths>(RowSource.Open(new(_folder.File("list.csv"))));
        Assert.Equal(["photos/a.png", "photos/none.png"], source.Keys);
        Assert.Equal(["cat", "dog"], source.Labels);
        Assert.Equal([_folder.File("photos/a.png"), _folder.File("photos/none.png")], Paths(source, 0, 2));
    }

    [Theory]
    [InlineData("a,b\n1,2\n3\n", "rows")]
    [InlineData("a,b\n", "no rows")]
    [InlineData("", "t.csv")]
    public void ATableThatIsNoneIsRefused(string text, string expected)
    {
        File.WriteAllText(_folder.File("t.csv"), text);
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() =>
            RowSource.Open(new(_folder.File("t.csv")))).Message);
    }

    [Theory]
    [InlineData("t.csv")]
    [InlineData("t.parquet")]
    public void AGitLfsPointerInPlaceOfATableIsNamedAsOne(string name)
    {
        File.WriteAllText(
            _folder.File(name), "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 84183321\n");
        string message = Assert.Throws<InvalidDataException>(() => RowSource.Open(new(_folder.File(name)))).Message;
        Assert.Contains(_folder.File(name), message);
        Assert.Contains("Git LFS pointer, not the file itself: run `git lfs pull`", message);
    }

    [Theory]
    [InlineData("5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n", "'5.1', '3.5', '1.4', '0.2', 'setosa'")]
    [InlineData("39,State-gov,77516,13,0,0\n50,Private,83311,13,0,0\n", "'39', 'State-gov', '77516', '13', '0', …")]
    [InlineData("a.png,cat\nb.png,dog\n", "'a.png', 'cat'")]
    public void ATableWithoutAHeaderIsNotRobbedOfItsFirstRow(string text, string first)
    {
        string path = _folder.File("t.csv");
        File.WriteAllText(path, text);
        string message = Assert.Throws<InvalidDataException>(() => RowSource.Open(new(path))).Message;
        Assert.StartsWith($"'{path}' has no header", message);
        Assert.Contains($"{first}. --header false takes it for a row", message);
        var source = RowSource.Open(new(path, Key: "1", Header: false));
        Assert.Equal(text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(',')[0]),
            source.Keys);
    }

    [Fact]
    public void ColumnsWithoutNamesGoByTheirNumbers()
    {
        File.WriteAllText(_folder.File("t.tsv"), "0.5\tred\t1\n1.5\tblue\t2\n");
        var choice = new DataChoice(_folder.File("t.tsv"), Label: "3", Header: false);
        var source = Assert.IsType<TableSource>(RowSource.Open(choice));
        Assert.Equal(["1", "2"], source.Frame.Columns.Select(column => column.Name));
        Assert.Equal(["1", "2"], source.Labels);
        Assert.Equal([0.5f, 1.5f], Assert.IsType<SingleDataFrameColumn>(source.Frame.Columns[0]));
        var inspected = Inspection.Of(_folder.File("t.tsv"), tensors: false).Facts;
        Assert.Equal(2, inspected["rows"]);
        Assert.Equal("none: --header false", inspected["header"]);
    }

    [Theory]
    [InlineData("0,1,2")]
    [InlineData("country,2019,2020")]
    [InlineData("x1,x2,y")]
    public void NumbersThatCountUpAreNames(string header)
    {
        File.WriteAllText(_folder.File("t.csv"), header + "\n" + string.Join(',', header.Split(',').Select(_ => "7")));
        Assert.Equal(1, RowSource.Open(new(_folder.File("t.csv"))).Count);
        File.WriteAllText(_folder.File("t.csv"), "400.5,402.5\n1,2\n");
        Assert.Equal(1, RowSource.Open(new(_folder.File("t.csv"), Header: true)).Count);
    }

    [Fact]
    public void AMissingColumnIsNamedWithThoseThereAre()
    {
        File.WriteAllText(_folder.File("t.csv"), "a,b\n1,2\n");
        var error = Assert.Throws<InvalidDataException>(() => RowSource.Open(new(_folder.File("t.csv"), Label: "c")));
        Assert.Contains("no column 'c'; it has a, b", error.Message);
    }

    [Fact]
    public void ANumberBeyondSinglePrecisionIsNamedByColumnAndRow()
    {
        File.WriteAllText(_folder.File("t.csv"), "a,b\n1,2\n3,1e99\n");
        Assert.Contains("t.csv', column 'b', row 1: ",
            Assert.Throws<InvalidDataException>(() => RowSource.Open(new(_folder.File("t.csv")))).Message);
    }

    [Fact]
    public async Task LabelsAndKeysOfParquetMayBeWholeNumbersOfAnyWidth()
    {
        string path = _folder.File("t.parquet");
        var (key, label, a) = (new DataField<uint>("key"), new DataField<sbyte>("label"), new DataField<double>("a"));
        await using (var stream = File.Create(path))
        await using (var writer = await ParquetWriter.CreateAsync(new(key, label, a), stream))
        using (var rows = writer.CreateRowGroup())
        {
            await rows.WriteAsync<uint>(key, new uint[] { 7, uint.MaxValue });
            await rows.WriteAsync<sbyte>(label, new sbyte[] { -1, 3 });
            await rows.WriteAsync<double>(a, new double[] { 1, 2 });
        }
        var source = RowSource.Open(new(path));
        Assert.Equal(["7", "4294967295"], source.Keys);
        Assert.Equal(["-1", "3"], source.Labels);
    }

    [Fact]
    public async Task ParquetHasNumbersWordsAndBytesOfImages()
    {
        string path = _folder.File("t.parquet");
        RgbImages.Save(new(new byte[3 * 5 * 5], 5, 5), _folder.File("i.png"));
        var image = File.ReadAllBytes(_folder.File("i.png"));
        var (id, age, city, bytes) = (new DataField<string>("id"), new DataField<int?>("age"),
            new DataField<string>("city"), new DataField<byte[]>("bytes"));
        await using (var stream = File.Create(path))
        await using (var writer = await ParquetWriter.CreateAsync(new(id, age, city, bytes), stream))
        {
            for (int group = 0; group < 2; group++)
            {
                using var rows = writer.CreateRowGroup();
                await rows.WriteAsync(id, [$"{group}a", $"{group}b"]);
                await rows.WriteAsync<int>(age, new int?[] { group, null });
                await rows.WriteAsync(city, ["Rome", "Oslo"]);
                await rows.WriteAsync(bytes, [image, [1, 2]]);
            }
        }
        var images = Assert.IsType<ImageBytes>(RowSource.Open(new(path)));
        Assert.Equal(["0a", "0b", "1a", "1b"], images.Keys);
        var context = new MLContext();
        var view = images.View(context, 1, 4, "Photo");
        Assert.Equal([[1, 2], image, [1, 2]], view.GetColumn<byte[]>("Photo"));
        Assert.Equal([$"{path}, row 1", $"{path}, row 2", $"{path}, row 3"], view.GetColumn<string>("Place"));
        var table = Assert.IsType<TableSource>(RowSource.Open(new(path, Columns: ["age", "city"])));
        Assert.Equal([0f, null, 1f, null], Assert.IsType<SingleDataFrameColumn>(table.Frame.Columns[0]));
        Assert.Equal(["Rome", "Oslo", "Rome", "Oslo"], Assert.IsType<StringDataFrameColumn>(table.Frame.Columns[1]));
    }

    private static IEnumerable<string> Paths(ImageSource source, int from, int to) =>
        source.View(new(), from, to, "Photo").GetColumn<string>("Photo");

    private static string Swap(string line, char separator)
    {
        bool quoted = false;
        return string.Concat(line.Select(c =>
        {
            quoted ^= c == '"';
            return c == ',' && !quoted ? separator : c;
        }));
    }
}
