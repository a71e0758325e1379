using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Embeddings;

namespace MLNet.Ssl.Cli.Tests;

public sealed class ShardTests : IDisposable
{
    private const int Rows = 23, Dimension = 3, PartRows = 4;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("0/1", null, "", 1, 0, 1)]
    [InlineData("3/8", null, "5", 4, 3, 8)]
    [InlineData("3", 8, "", 1, 3, 8)]
    [InlineData(null, 8, "5", 4, 5, 8)]
    [InlineData(null, null, "", 4, 2, 4)]
    [InlineData(null, 4, "", 4, 2, 4)]
    [InlineData(null, 1, null, 1, 0, 1)]
    [InlineData(null, null, null, 1, 0, 1)]
    public void AShardIsWhatIsSaidFirst(string? shard, int? shards, string? job, int world, int index, int count)
    {
        var choice = ShardChoice.Of(shard, shards, job, () => World(world));
        Assert.Equal((index, count), (choice.Index, choice.Count));
    }

    [Theory]
    [InlineData("8/8", null, "", 1)]
    [InlineData("-1/8", null, "", 1)]
    [InlineData("1", null, "", 1)]
    [InlineData("a/b", null, "", 1)]
    [InlineData(null, 8, "", 1)]
    [InlineData(null, null, "1", 1)]
    [InlineData(null, 4, "4", 1)]
    [InlineData(null, 8, "", 4)]
    public void WhatIsNoShardIsRefused(string? shard, int? shards, string job, int world) =>
        Assert.Throws<UsageException>(() => ShardChoice.Of(shard, shards, job, () => World(world)));

    [Fact]
    public void TheWorldIsNotAskedForWhereTheShardIsSaid()
    {
        static ShardChoice Unasked() => throw new InvalidOperationException("A launcher that gives no way to meet.");
        Assert.Equal(3, ShardChoice.Of("3/8", null, null, Unasked).Index);
        Assert.Equal(3, ShardChoice.Of(null, 8, "3", Unasked).Index);
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 1)]
    [InlineData(23, 8)]
    [InlineData(int.MaxValue, 7)]
    public void ShardsCoverEveryRowOnce(int rows, int shards)
    {
        int next = 0;
        for (int index = 0; index < shards; index++)
        {
            var shard = new ShardChoice(index, shards, null);
            Assert.Equal(next, shard.Start(rows));
            next = shard.End(rows);
        }
        Assert.Equal(rows, next);
    }

    [Fact]
    public void ShardsMergeToTheRowsInTheirOrder()
    {
        WriteAll(3);
        var set = EmbeddingSet.Open([_folder.Path]);
        var keys = set.Read().SelectMany(rows => rows.Keys).ToList();
        var values = set.Read().SelectMany(rows => rows.Values).ToList();
        var labels = set.Read().SelectMany(rows => rows.Labels!).ToList();
        // Row 5 could not be read.
        var rows = Enumerable.Range(0, Rows).Where(row => row != 5).ToList();
        Assert.Equal(rows.Select(row => $"key{row}"), keys);
        Assert.Equal(rows.SelectMany(Values), values);
        Assert.Equal(rows.Select(row => row % 7 == 0 ? null : $"label{row % 7}"), labels);
        Assert.Equal((Rows - 1, 1), (set.Rows, set.Skipped));
    }

    [Fact]
    public void MissingAndDoubledPartsAreListed()
    {
        WriteAll(3);
        var files = Directory.GetFiles(_folder.Path).Order().ToList();
        Assert.Equal(6, files.Count);
        File.Delete(files[1]);
        Assert.Contains("shard 0 lacks part 1 of 2", Refusal());
        WriteAll(3);
        foreach (string file in files.Where(file => file.Contains("shard-00002-"))) File.Delete(file);
        Assert.Contains("shard 2 of 3 is missing", Refusal());
        WriteAll(3);
        File.Copy(files[2], _folder.File("again.parquet"));
        Assert.Contains("shard 1 part 0 is there twice", Refusal());
    }

    [Fact]
    public void AShardGoesOnBehindItsLastWholeFile()
    {
        WriteAll(1);
        var files = Directory.GetFiles(_folder.Path).Order().ToList();
        Assert.Equal(6, files.Count);
        File.Delete(files[3]);
        File.WriteAllBytes(files[4], File.ReadAllBytes(files[4])[..^9]);
        File.WriteAllText(files[5].Replace(".parquet", ".parquet.x.tmp"), "cut off");
        var times = files.ToDictionary(file => file, File.GetLastWriteTimeUtc);
        var said = new List<string>();
        var open = Writer(0, 1).Open(said.Add);
        Assert.Equal([3, 4], open.Select(part => part.Part));
        Assert.Contains(files[4], Assert.Single(said));
        Write(0, 1);
        Assert.Equal(Rows - 1, EmbeddingSet.Open([_folder.Path]).Rows);
        Assert.Equal(times[files[0]], File.GetLastWriteTimeUtc(files[0]));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.tmp"));
    }

    [Fact]
    public void MoreRowsThanAFileTakesAreRefusedWithTheNumberThatItTakes() => Assert.Contains(
        $"takes at most {Array.MaxLength / 2048}",
        Assert.Throws<UsageException>(() => new ShardWriter(
            _folder.Path, new(0, 1, null), 2_000_000, Set() with { Dimension = 2048, Rows = 2_000_000 })).Message);

    [Theory]
    [InlineData("model")]
    [InlineData("data")]
    [InlineData("number of shards")]
    [InlineData("rows of a part")]
    public void AnotherSetInTheFolderIsRefused(string what)
    {
        WriteAll(2);
        var set = Set() with { Model = what == "model" ? "other" : "m", Data = what == "data" ? "other" : "d" };
        var error = Assert.Throws<InvalidDataException>(() =>
            new ShardWriter(_folder.Path, new(0, what == "number of shards" ? 3 : 2, null),
            what == "rows of a part" ? 6 : PartRows, set));
        Assert.Contains(what, error.Message);
    }

    [Fact]
    public void ForeignAndDamagedFilesAreRefusedByName()
    {
        File.WriteAllText(_folder.File("x.parquet"), "PAR1 no PAR1");
        Assert.Contains("x.parquet", Refusal());
        var run = Tool.Run("index", _folder.Path, "--output", _folder.File("i"));
        Assert.Equal(1, run.Code);
        Assert.Contains("x.parquet", run.Error);
        Assert.False(File.Exists(_folder.File("i")));
    }

    // The third of several that a launcher started, or the only one.
    private static ShardChoice World(int count) =>
        count == 1 ? new(0, 1, null) : new(2, count, $"{count} processes on 1 host, started by mpirun");

    private string Refusal() => Assert.Throws<InvalidDataException>(() => EmbeddingSet.Open([_folder.Path])).Message;

    private static EmbeddingHeader Set() => new("m", "d", Dimension, Rows, 1, 0, 1, 0, 0, 0, []);

    private ShardWriter Writer(int shard, int shards) => new(_folder.Path, new(shard, shards, null), PartRows, Set());

    private void WriteAll(int shards)
    {
        for (int shard = 0; shard < shards; shard++) Write(shard, shards);
    }

    private void Write(int shard, int shards)
    {
        var writer = Writer(shard, shards);
        foreach (var part in writer.Open(_ => { }))
        {
            var rows = Enumerable.Range(part.FirstRow, part.EndRow - part.FirstRow).Where(row => row != 5).ToList();
            int[] skipped = part.FirstRow <= 5 && 5 < part.EndRow ? [5] : [];
            writer.Write(part with { Skipped = skipped }, new([.. rows.Select(row => $"key{row}")],
                [.. rows.Select(row => row % 7 == 0 ? null : $"label{row % 7}")], [.. rows.SelectMany(Values)]));
        }
    }

    private static IEnumerable<float> Values(int row) => Enumerable.Range(0, Dimension).Select(i => row + i / 8f);
}
