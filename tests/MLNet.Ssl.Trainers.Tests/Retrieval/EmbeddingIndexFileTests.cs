using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Xunit;

namespace MLNet.Ssl.Tests;

public sealed class EmbeddingIndexFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("index").FullName;

    private string Path => System.IO.Path.Combine(_folder, "photos.index");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Property(MaxTest = 30)]
    public void AnIndexReadBackIsTheSame(NonEmptyString[] keys, byte width, int seed)
    {
        var random = new System.Random(seed);
        var index = new EmbeddingIndex(1 + width % 40);
        foreach (string key in keys.Select(key => key.Get).Where(IsText).Distinct().Append("Blüten/日本 \"1\".jpg"))
            index.Add(key, [.. Enumerable.Range(0, index.Dimension).Select(_ => (float)random.NextDouble() - 0.5f)]);
        index.Save(Path);
        var read = EmbeddingIndex.Load(Path);
        Assert.Equal((index.Dimension, index.Count), (read.Dimension, read.Count));
        Assert.Equal(index.Keys, read.Keys);
        for (int row = 0; row < index.Count; row++) Assert.Equal(index[row].ToArray(), read[row].ToArray());
        Assert.Equal(index.SearchRow(0, 3), read.SearchRow(0, 3));
        read.Add("one more", index[0]);
        Assert.Equal([Path], Directory.GetFiles(_folder));

        static bool IsText(string key) =>
            key != "one more" && key == Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(key));
    }

    [Fact]
    public void AnEmptyIndexAndAnIndexOfManyBlocksAreReadBack()
    {
        new EmbeddingIndex(7).Save(Path);
        Assert.Equal((7, 0), (EmbeddingIndex.Load(Path).Dimension, EmbeddingIndex.Load(Path).Count));
        // 5 rows make a block; what is read has one.
        var written = new EmbeddingIndex(20, blockBytes: 5 * 20 * sizeof(float));
        for (int row = 0; row < 200; row++) written.Add($"{row}",
            [.. Enumerable.Range(0, 20).Select(i => (float)(row == 100 + i ? 3 : (row * 7 + i * i) % 11))]);
        written.Save(Path);
        var read = EmbeddingIndex.Load(Path);
        Assert.Equal(200, read.Count);
        for (int row = 0; row < 200; row++) Assert.Equal(written[row].ToArray(), read[row].ToArray());
    }

    [Fact]
    public void AFileThatCannotBeReplacedStaysAsItWas()
    {
        Small().Save(Path);
        var before = File.ReadAllBytes(Path);
        Assert.ThrowsAny<IOException>(() => Small().Save(System.IO.Path.Combine(_folder, "nowhere", "a.index")));
        Assert.ThrowsAny<Exception>(() => Small().Save(_folder));
        Assert.Equal(before, File.ReadAllBytes(Path));
        Assert.Equal([Path], Directory.GetFiles(_folder));
        Assert.Throws<FileNotFoundException>(() => EmbeddingIndex.Load(Path + "2"));
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        Small().Save(Path);
        var bytes = File.ReadAllBytes(Path);
        for (int length = 0; length < bytes.Length; length++) AssertRefused(bytes[..length], $"cut to {length} bytes");
    }

    [Fact]
    public void EveryDamagedByteIsRefusedOrWithoutMeaning()
    {
        var index = Small();
        index.Save(Path);
        var bytes = File.ReadAllBytes(Path);
        int refused = 0;
        for (int at = 0; at < bytes.Length; at++)
            foreach (byte change in new byte[] { 1, 0xFF })
            {
                var damaged = (byte[])bytes.Clone();
                damaged[at] ^= change;
                File.WriteAllBytes(Path, damaged);
                try
                {
                    // The archive has bytes that nothing depends on, such as times;
                    // what is read must be what was written.
                    var read = EmbeddingIndex.Load(Path);
                    Assert.Equal(index.Keys, read.Keys);
                    for (int row = 0; row < index.Count; row++) Assert.Equal(index[row].ToArray(), read[row].ToArray());
                }
                catch (InvalidDataException e)
                {
                    Assert.Contains(Path, e.Message);
                    refused++;
                }
            }
        Assert.InRange(refused, bytes.Length, 2 * bytes.Length);
    }

    [Theory]
    [InlineData(
        "{\"format\":\"MLNet.Ssl.EmbeddingIndex\",\"version\":2,\"dimension\":2,\"count\":1,\"embeddingsSha256\":\"\",\"keysSha256\":\"\"}", "version 2")]
    [InlineData(
        "{\"format\":\"other\",\"version\":1,\"dimension\":2,\"count\":1,\"embeddingsSha256\":\"\",\"keysSha256\":\"\"}", "'other'")]
    [InlineData(
        "{\"format\":\"MLNet.Ssl.EmbeddingIndex\",\"version\":1,\"dimension\":0,\"count\":1,\"embeddingsSha256\":\"\",\"keysSha256\":\"\"}", "width 0")]
    [InlineData(
        "{\"format\":\"MLNet.Ssl.EmbeddingIndex\",\"version\":1,\"dimension\":2,\"count\":-1,\"embeddingsSha256\":\"\",\"keysSha256\":\"\"}", "-1 rows")]
    [InlineData(
        "{\"format\":\"MLNet.Ssl.EmbeddingIndex\",\"version\":1,\"dimension\":1048576,\"count\":2147483647,\"embeddingsSha256\":\"\",\"keysSha256\":\"\"}",
        "8 bytes; 2147483647 rows of width 1048576 have 9007199250546688")]
    [InlineData(
        "{\"format\":\"MLNet.Ssl.EmbeddingIndex\",\"version\":1,\"dimension\":2,\"count\":1,\"embeddingsSha256\":\"\",\"keysSha256\":\"\"}", "keys.json is not what was written")]
    [InlineData("{\"format\":\"MLNet.Ssl.EmbeddingIndex\",\"version\":1,\"dimension\":2,\"count\":1}", "damaged")]
    [InlineData("{\"version\":99999999999}", "damaged")]
    [InlineData("null", "empty")]
    [InlineData("[", "damaged")]
    public void HeadersThatDoNotFitAreRefused(string header, string expected)
    {
        Write(("embeddings.f32", new byte[8], CompressionLevel.NoCompression),
            ("keys.json", "[\"a\"]"u8.ToArray(), CompressionLevel.NoCompression),
            ("index.json", Encoding.UTF8.GetBytes(header), CompressionLevel.NoCompression));
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => EmbeddingIndex.Load(Path)).Message);
    }

    [Theory]
    [InlineData("[\"a\",\"a\"]", "there twice")]
    [InlineData("[\"a\",\"\"]", "empty")]
    [InlineData("[\"a\",null]", "empty")]
    [InlineData("[\"a\"]", "1 keys; expected 2")]
    [InlineData("{}", "damaged")]
    public void KeysThatDoNotFitAreRefused(string keys, string expected)
    {
        WriteHashed(Bytes(1, 0, 0, 1), keys);
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => EmbeddingIndex.Load(Path)).Message);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(3f)]
    public void EmbeddingsThatAreNotOfLengthOneAreRefused(float value)
    {
        WriteHashed(Bytes(1, 0, value, 0), "[\"a\",\"b\"]");
        Assert.Contains("row 1 is no vector of length 1",
            Assert.Throws<InvalidDataException>(() => EmbeddingIndex.Load(Path)).Message);
    }

    [Fact]
    public void AnArchiveThatUnpacksToMuchMoreIsRefusedUnread()
    {
        // 256 MiB of zeros in a quarter of a megabyte.
        using (var file = File.Create(Path))
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create))
        {
            using (var stream = archive.CreateEntry("keys.json").Open())
                for (int i = 0; i < 256; i++) stream.Write(new byte[1 << 20]);
            using (var stream = archive.CreateEntry("embeddings.f32").Open()) stream.Write(new byte[8]);
            using (var stream = archive.CreateEntry("index.json", CompressionLevel.NoCompression).Open())
                stream.Write(
                    "{\"format\":\"MLNet.Ssl.EmbeddingIndex\",\"version\":1,\"dimension\":2,\"count\":1,\"embeddingsSha256\":\"\",\"keysSha256\":\"\"}"u8);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("compressed", Assert.Throws<InvalidDataException>(() => EmbeddingIndex.Load(Path)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public void EntriesThatAreMissingOrThereTwiceAreRefused()
    {
        Write(("index.json", "{}"u8.ToArray(), CompressionLevel.NoCompression),
            ("index.json", "{}"u8.ToArray(), CompressionLevel.NoCompression));
        Assert.Contains("2 entries 'index.json'",
            Assert.Throws<InvalidDataException>(() => EmbeddingIndex.Load(Path)).Message);
        Write(("../index.json", "{}"u8.ToArray(), CompressionLevel.NoCompression));
        Assert.Contains("0 entries 'index.json'",
            Assert.Throws<InvalidDataException>(() => EmbeddingIndex.Load(Path)).Message);
        AssertRefused("photos"u8.ToArray(), "no archive");
    }

    private static EmbeddingIndex Small()
    {
        var index = new EmbeddingIndex(3);
        index.Add("a.jpg", [1, 2, 3]);
        index.Add("b.jpg", [-1, 0, 0.5f]);
        return index;
    }

    private static byte[] Bytes(params float[] values) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private void AssertRefused(byte[] bytes, string what)
    {
        File.WriteAllBytes(Path, bytes);
        var error = Record.Exception(() => EmbeddingIndex.Load(Path));
        Assert.True(error is InvalidDataException && error.Message.Contains(Path), $"{what}: {error}");
    }

    private void WriteHashed(byte[] embeddings, string keys)
    {
        static string Hash(byte[] bytes) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes));
        var keyBytes = Encoding.UTF8.GetBytes(keys);
        string header = $"{{\"format\":\"MLNet.Ssl.EmbeddingIndex\",\"version\":1,\"dimension\":2,\"count\":2,"
            + $"\"embeddingsSha256\":\"{Hash(embeddings)}\",\"keysSha256\":\"{Hash(keyBytes)}\"}}";
        Write(("embeddings.f32", embeddings, CompressionLevel.NoCompression),
            ("keys.json", keyBytes, CompressionLevel.NoCompression),
            ("index.json", Encoding.UTF8.GetBytes(header), CompressionLevel.NoCompression));
    }

    private void Write(params (string Name, byte[] Bytes, CompressionLevel Level)[] entries)
    {
        using var file = File.Create(Path);
        using var archive = new ZipArchive(file, ZipArchiveMode.Create);
        foreach (var (name, bytes, level) in entries)
            using (var stream = archive.CreateEntry(name, level).Open())
                stream.Write(bytes);
    }
}
