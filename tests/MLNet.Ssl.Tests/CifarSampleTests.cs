using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.ML.Data;
using MLNet.Ssl.Samples;

namespace MLNet.Ssl.Tests;

public sealed class CifarSampleTests : IDisposable
{
    private const int Plane = CifarReader.Side * CifarReader.Side;

    private readonly string _folder = Directory.CreateTempSubdirectory("cifar").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", "train.bin", false)]
    [InlineData("cifar10", "train.bin", true)]
    [InlineData("cifar-10-batches-bin", "data_batch_1.bin", false)]
    [InlineData("cifar10", "data_batch_1.bin", true)]
    public void Read_EitherLayout_GivesPixelsAndLabelsInFileOrder(string place, string layout, bool zipped)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, place)).FullName;
        string[] trainFiles = layout == "train.bin" ? [layout]
            : [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")];
        foreach (var (file, i) in trainFiles.Select((file, i) => (file, i)))
            Write(folder, file, zipped, Record((byte)i, 10), Record(9, 20));
        Write(folder, layout == "train.bin" ? "test.bin" : "test_batch.bin", zipped, Record(3, 30));

        var (train, test) = CifarReader.Read(_folder);
        Assert.Equal((2 * trainFiles.Length, 1), (train.Count, test.Count));
        Assert.Equal(trainFiles.SelectMany((_, i) => new[] { train.Names[i], "truck" }),
            train.Rows().Select(row => row.Label));
        var row = test.Rows().Single();
        Assert.Equal("cat", row.Label);
        Assert.Equal((32, 32), (row.Image.Width, row.Image.Height));
        // Record(3, 30): red is 30 + position, green 31 + position, blue 32 + position, modulo 256.
        Assert.Equal(new byte[] { 32, 31, 30, 33, 32, 31 }, row.Image.GetBGRPixels[..6]);
        Assert.Equal(new byte[] { 31, 30, 29 }, row.Image.GetBGRPixels[^3..]);
        Assert.NotSame(row.Image, test.Rows().Single().Image);
    }

    [Fact]
    public void Read_LabelsFile_NamesTheClasses()
    {
        Write(_folder, "train.bin", false, Record(1, 0));
        Write(_folder, "test.bin", false, Record(9, 0));
        File.WriteAllText(Path.Combine(_folder, "batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
        var (train, test) = CifarReader.Read(_folder);
        Assert.Equal(("b", "j"), (train.Rows().Single().Label, test.Rows().Single().Label));

        File.WriteAllText(Path.Combine(_folder, "batches.meta.txt"), "a\nb\n");
        var error = Assert.Throws<InvalidDataException>(() => CifarReader.Read(_folder));
        Assert.Contains("batches.meta.txt: 2 class names: expected 10", error.Message);
    }

    [Fact]
    public void Read_LabelAboveNine_NamesFileAndRecord()
    {
        Write(_folder, "train.bin", false, Record(0, 0), Record(17, 0));
        var error = Assert.Throws<InvalidDataException>(() => CifarReader.Read(_folder));
        Assert.Contains("train.bin: record 1 has label 17: expected 0 to 9", error.Message);
    }

    [Theory]
    [InlineData(CifarReader.RecordSize + 100, "record 1 is incomplete")]
    [InlineData(0, "record 0 is incomplete")]
    public void Read_PartOfARecord_NamesFileAndRecord(int length, string expected)
    {
        File.WriteAllBytes(Path.Combine(_folder, "train.bin"), new byte[length]);
        var error = Assert.Throws<InvalidDataException>(() => CifarReader.Read(_folder));
        Assert.Contains("train.bin", error.Message);
        Assert.Contains(expected, error.Message);
        Assert.Contains("3073", error.Message);
    }

    [Fact]
    public void Read_TruncatedGzip_NamesFileAndRecord()
    {
        var random = new Random(1);
        Write(_folder, "train.bin", true, [.. Enumerable.Range(0, 20).Select(_ => Noise(random))]);
        var path = Path.Combine(_folder, "train.bin.gz");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^20000]);
        var error = Assert.Throws<InvalidDataException>(() => CifarReader.Read(_folder));
        Assert.Contains("train.bin.gz", error.Message);
        Assert.Matches("record 1[0-9]", error.Message);
    }

    [Fact]
    public void Read_MissingFiles_SaysWhatWasExpected()
    {
        Assert.Contains("data_batch_1.bin",
            Assert.Throws<FileNotFoundException>(() => CifarReader.Read(_folder)).Message);
        Write(_folder, "train.bin", false, Record(0, 0));
        Assert.Contains("expected test.bin",
            Assert.Throws<FileNotFoundException>(() => CifarReader.Read(_folder)).Message);
    }

    [Fact]
    public void Read_RealSubset_HasTheKnownClassCountsAndMeanColour()
    {
        var (train, test) = CifarReader.Read(RealData.Path("cifar10"));
        Assert.Equal((10_000, 2_000), (train.Count, test.Count));
        Assert.All(test.Rows().CountBy(row => row.Label), count => Assert.Equal(200, count.Value));
        var sums = new double[3];
        foreach (var row in test.Rows())
            foreach (var (value, i) in row.Image.GetBGRPixels.Select((value, i) => (value, i)))
                sums[2 - i % 3] += value;
        // The published means of CIFAR-10: 0.4914, 0.4822, 0.4465.
        foreach (var (expected, sum) in new[] { 0.4914, 0.4822, 0.4465 }.Zip(sums))
            Assert.Equal(expected, sum / (2_000 * Plane * 255), 0.02);
    }

    [Fact]
    public void FashionMnist_HasTheKnownLabelsAndMeanInBlackFrames()
    {
        var (train, test) = FashionMnist.Read();
        Assert.Equal((5_000, 1_000), (train.Count, test.Count));
        Assert.Equal(["ankle boot", "T-shirt", "T-shirt", "dress", "T-shirt", "pullover"],
            train.Rows().Take(6).Select(row => row.Label));
        Assert.Equal(10, test.Rows().CountBy(row => row.Label).Count(count => count.Value is >= 80 and <= 120));
        // The published mean of 28x28 pixels, 0.2860, is less with the frame.
        Assert.Equal(0.2860 * 28 * 28, test.Rows().Average(row => MeanColour(row.Image)[0]) / 255, 0.01 * 28 * 28);
        foreach (var row in test.Rows())
        {
            var bgr = row.Image.GetBGRPixels;
            for (var i = 0; i < bgr.Length; i += 3)
            {
                Assert.True(bgr[i] == bgr[i + 1] && bgr[i] == bgr[i + 2]);
                var (x, y) = (i / 3 % CifarReader.Side, i / 3 / CifarReader.Side);
                if (x is < 2 or >= 30 || y is < 2 or >= 30) Assert.Equal(0, bgr[i]);
            }
        }
    }

    [Fact]
    public void Resolve_NamedFolder_IsReadOrRefusedAndTheCallbackHearsOfIt()
    {
        Write(_folder, "train.bin", true, Record(1, 0));
        Write(_folder, "test.bin", true, Record(9, 0));
        var said = new List<string>();
        Assert.Equal(1, CifarSource.Resolve(_folder, download: false, said.Add).Train.Count);
        Assert.Contains("--data: " + _folder, Assert.Single(said));
        Assert.Throws<FileNotFoundException>(
            () => CifarSource.Resolve(Path.Combine(_folder, "nowhere"), download: false, said.Add));
    }

    [Fact]
    public void Resolve_NothingNamed_TakesWhatIsThereAndDownloadsWhenAsked()
    {
        string data = Directory.CreateDirectory(Path.Combine(_folder, "data")).FullName;
        string cache = Path.Combine(_folder, "cache");
        var said = new List<string>();
        Assert.Equal(5_000, CifarSource.Resolve(null, data, cache, null, said.Add).Train.Count);
        Assert.Contains("has no CIFAR-10", said[0]);
        Assert.Contains("Fashion-MNIST; --download fetches CIFAR-10", said[1]);
        Assert.Throws<HttpRequestException>(() => CifarSource.Resolve(null, data, cache,
            () => Task.FromException(new HttpRequestException("no network")), said.Add));
        Assert.Equal(2, CifarSource.Resolve(null, data, cache, () => Fill(cache, 2), said.Add).Train.Count);
        Assert.EndsWith($"downloaded: {cache}", said[^1]);
        Assert.Equal(2, CifarSource.Resolve(null, null, cache, null, said.Add).Train.Count);
        Assert.EndsWith($"downloaded earlier: {cache}", said[^1]);
        Fill(data, 1);
        Assert.Equal(1, CifarSource.Resolve(null, data, cache, null, said.Add).Train.Count);

        static Task Fill(string folder, int images)
        {
            Directory.CreateDirectory(folder);
            Write(folder, "train.bin", true, [.. Enumerable.Range(0, images).Select(_ => Record(1, 0))]);
            Write(folder, "test.bin", true, Record(9, 0));
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Download_UnpacksTheArchiveWhole()
    {
        var archive = await Archive();
        var folder = Path.Combine(_folder, "cache", "cifar10");
        using var server = new LoopbackServer(_ => new(archive));
        await CifarSource.Download(new(server.Address), Convert.ToHexString(MD5.HashData(archive)), folder,
            TimeSpan.FromSeconds(20));
        Assert.Equal(5, CifarReader.Read(folder).Train.Count);
        Assert.Equal([folder], Directory.GetFileSystemEntries(Path.GetDirectoryName(folder)!));
        Assert.DoesNotContain("readme.html", Directory.GetFiles(folder).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Download_WrongContentOrSilentServer_LeavesNothingBehind()
    {
        var folder = Path.Combine(_folder, "cache", "cifar10");
        using var server = new LoopbackServer(_ => new([1, 2, 3]));
        var wrong = await Assert.ThrowsAsync<InvalidDataException>(
            () => CifarSource.Download(new(server.Address), new string('0', 32), folder, TimeSpan.FromSeconds(20)));
        Assert.Contains("MD5", wrong.Message);
        using var over = new ManualResetEventSlim();
        using var silent = new LoopbackServer(_ =>
        {
            over.Wait(TimeSpan.FromMinutes(1));
            return new([]);
        });
        var error = await Assert.ThrowsAsync<IOException>(() =>
            CifarSource.Download(new(silent.Address), "", folder, TimeSpan.FromSeconds(0.2)));
        over.Set();
        Assert.Contains("sent nothing", error.Message);
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(folder)!));
    }

    [Fact]
    public void OfSeveralProcessesTheFirstTells()
    {
        var random = new Random(1);
        byte[][] Some(int count) => [.. Enumerable.Range(0, count).Select(i => Noise(random, (byte)(i % 10)))];
        Write(_folder, "train.bin", false, Some(128));
        Write(_folder, "test.bin", false, Some(20));
        var (exit, output, errors) = MpiRun.ToItsEnd(MpiRun.Command("mpirun.openmpi", 2,
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec",
            Path.Combine(AppContext.BaseDirectory, "Cifar10.dll"), "--data", _folder, "--epochs", "1"));
        Assert.True(exit == 0, output + errors);
        foreach (string said in new[]
            { "data: ", "SimCLR on 128", "pretrained in", "untrained   knn", "pretrained  knn" })
            Assert.Single(output.Split('\n'), line => line.Contains(said, StringComparison.Ordinal));
    }

    private static byte[] Record(byte label, byte start)
    {
        var record = new byte[CifarReader.RecordSize];
        record[0] = label;
        for (var i = 0; i < 3 * Plane; i++) record[1 + i] = (byte)(start + i / Plane + i % Plane);
        return record;
    }

    private static byte[] Noise(Random random, byte label = 0)
    {
        var record = new byte[CifarReader.RecordSize];
        random.NextBytes(record);
        record[0] = label;
        return record;
    }

    private static void Write(string folder, string name, bool zipped, params byte[][] records)
    {
        using var file = File.Create(Path.Combine(folder, zipped ? name + ".gz" : name));
        using Stream target = zipped ? new GZipStream(file, CompressionLevel.Fastest) : file;
        foreach (var record in records) target.Write(record);
    }

    private static double[] MeanColour(MLImage image)
    {
        var mean = new double[3];
        var bgr = image.GetBGRPixels;
        for (var i = 0; i < bgr.Length; i++) mean[i % 3] += bgr[i];
        return mean;
    }

    private static async Task<byte[]> Archive()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        await using (var tar = new TarWriter(gzip))
            foreach (var name in (string[])[.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin"),
                "test_batch.bin", "readme.html"])
            {
                var entry = new PaxTarEntry(TarEntryType.RegularFile,
                    "cifar-10-batches-bin/" + name)
                { DataStream = new MemoryStream(Record(1, 0)) };
                await tar.WriteEntryAsync(entry);
            }

        return packed.ToArray();
    }
}
