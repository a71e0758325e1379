using System.Diagnostics;

namespace MLNet.Ssl.Tests;

/// <summary>Files whose pickle asks for far more work than it has bytes: refused or read in memory and time that
/// grow with the file alone.</summary>
public sealed class PickleBombTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static byte[] Pairs(int count) =>
        [.. "](" .Select(c => (byte)c), .. Enumerable.Range(0, count).SelectMany(i => (byte[])
        [(byte)'J', .. BitConverter.GetBytes(i), (byte)'N', 0x86]), (byte)'e'];

    public static TheoryData<string> Bombs => ["dictionary from a list", "storage opened again", "long names",
        "long keys in places", "keys of keys", "bytes"];

    private static byte[] Bomb(string name)
    {
        string kilobyte = new('k', 1000);
        return name switch
        {
            // The list of pairs, the name and the arguments once; then calls, three opcodes each.
            "dictionary from a list" => [.. Pairs(30_000), 0x85, (byte)'q', 0, (byte)'0',
                .. Pickles.Name("collections", "OrderedDict"), .. "q\x01"u8, (byte)'0',
                .. Pickles.Repeat([.. "h\x01h\0R"u8], 4000)],
            "storage opened again" => [.. "("u8, .. Pickles.Text("storage"), .. Pickles.Name("torch", "FloatStorage"),
                .. Pickles.Text("0"), .. Pickles.Text("cpu"),
                .. "K\x02tq\0"u8, .. Pickles.Repeat([.. "h\0Q0"u8], 100_000)],
            "long names" => [.. Pickles.Text(new string('m', 200_000)), .. "q\0"u8, .. Pickles.Text("n"), .. "q\x01"u8,
                .. Pickles.Repeat([.. "h\0h\x01"u8, 0x93, (byte)'0'], 20_000)],
            // Three dictionaries deep, with thousands of small ones below.
            "long keys in places" =>
                [(byte)'}', .. Pickles.Text(kilobyte), (byte)'}', .. Pickles.Text(kilobyte), .. "}("u8,
                .. Enumerable.Range(0, 30_000)
                .SelectMany(i => (byte[])[(byte)'J', .. BitConverter.GetBytes(i), (byte)'}']), .. "uss"u8],
            // A tuple that holds the one before ten times, as a key.
            "keys of keys" => [.. "K\x01"u8, .. Pickles.Repeat([.. "q\0(h\0h\0h\0h\0h\0h\0h\0h\0h\0t"u8], 8),
                .. "q\x01}"u8, .. Pickles.Repeat([.. "h\x01Ns"u8], 1000)],
            "bytes" => [.. Pickles.Text(new string('b', 100_000)), .. Pickles.Text("latin1"), 0x86, .. "q\0"u8,
                .. Pickles.Name("_codecs", "encode"), .. "q\x01"u8,
                .. Pickles.Repeat([.. "h\x01h\0R0"u8], 10_000)],
            _ => throw new ArgumentException(name),
        };
    }

    [Theory]
    [MemberData(nameof(Bombs))]
    public void WorkAndMemoryAreBoundedByTheFile(string bomb)
    {
        string path = _folder.File("bomb.pth");
        TorchFiles.WriteZip(path, [.. Pickles.Start, .. Bomb(bomb), (byte)'.'], new byte[8]);
        var (clock, before) = (Stopwatch.StartNew(), GC.GetAllocatedBytesForCurrentThread());
        try
        {
            using var weights = PretrainedWeights.Open(path);
        }
        catch (InvalidDataException e)
        {
            Assert.Contains(path, e.Message);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (4 << 20) + 160 * new FileInfo(path).Length);
        // Unbounded, each is minutes to hours of work.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
    }

    [Fact]
    public void ALongKeyIsRefused()
    {
        string path = _folder.File("key.pth");
        TorchFiles.WriteZip(path, [.. Pickles.Start, (byte)'}', .. Pickles.Text(new string('k', 1025)), .. "Ns."u8]);
        Assert.Contains("more than 1024 characters",
            Assert.Throws<InvalidDataException>(() => Checkpoint.Open(path)).Message);
    }

    [Fact]
    public void ADictionaryThatIsCopiedOnceIsRead()
    {
        string path = _folder.File("python 2.pth");
        TorchFiles.WriteZip(path,
            [.. Pickles.Start, .. Pickles.Name("collections", "OrderedDict"), .. Pairs(30_000), 0x85, .. "R."u8]);
        using var checkpoint = Checkpoint.Open(path);
        Assert.Equal(30_000, Assert.IsType<Dictionary<string, object?>>(checkpoint.Root).Count);
    }
}
