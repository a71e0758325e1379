using System.Diagnostics;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Whatever the bytes: a value or an <see cref="InvalidDataException"/>, in little memory and little time.</summary>
public sealed class CheckpointFuzzTests : IDisposable
{
    // A list or dictionary takes a byte in the file and some tens here.
    private static long MemoryBound(long length) => (4 << 20) + 160 * length;

    private static readonly TimeSpan TimeBound = TimeSpan.FromSeconds(10);

    /// <summary>Every file that reads, of the golden set.</summary>
    private static readonly byte[][] Seeds =
    [
        .. Golden.Load("checkpoints").Params.GetProperty("files").EnumerateArray().Where(f => f.GetProperty("expect").GetString()!.Contains("ok"))
            .Select(f => File.ReadAllBytes(Path.Combine(Golden.Folder, "checkpoints", f.GetProperty("file").GetString()!))),
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private bool IsSafe(byte[] bytes, string name)
    {
        string path = _folder.File(name);
        File.WriteAllBytes(path, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        try
        {
            using var checkpoint = Checkpoint.Open(path);
            foreach (var tensor in Tensors(checkpoint.Root)) tensor.Read().Dispose();
        }
        catch (InvalidDataException e) when (e.Message.Contains(path))
        {
        }
        try
        {
            using var weights = PretrainedWeights.Open(path);
        }
        catch (InvalidDataException e) when (e.Message.Contains(path))
        {
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < MemoryBound(bytes.Length), $"{allocated} bytes allocated");
        Assert.True(clock.Elapsed < TimeBound, $"{clock.Elapsed}");
        Assert.Single(Directory.GetFiles(_folder.Path));
        File.Delete(path);
        return true;
    }

    private static IEnumerable<StoredTensor> Tensors(object? root)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var pending = new Stack<object?>([root]);
        while (pending.TryPop(out var value))
        {
            if (value is null || !seen.Add(value)) continue;
            if (value is StoredTensor tensor) yield return tensor;
            else if (value is IReadOnlyDictionary<string, object?> dictionary)
                foreach (var item in dictionary.Values) pending.Push(item);
            else if (value is IReadOnlyList<object?> list)
                foreach (var item in list) pending.Push(item);
        }
    }

    private static byte[] Mutate(int seed)
    {
        var random = new Random(seed);
        var bytes = (byte[])Seeds[random.Next(Seeds.Length)].Clone();
        for (int change = random.Next(1, 6); change > 0 && bytes.Length > 8; change--)
        {
            int at = random.Next(bytes.Length);
            switch (random.Next(7))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes = bytes[..at]; break;
                case 3: BitConverter.TryWriteBytes(bytes.AsSpan(Math.Min(at, bytes.Length - 8)), random.NextInt64() >> random.Next(64)); break;
                case 4: bytes.AsSpan(at, Math.Min(random.Next(1, 16), bytes.Length - at)).Fill(0xff); break;
                case 5: bytes = [.. bytes[..at], .. bytes[random.Next(at + 1)..]]; break;
                default: bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(1, 9))..]]; break;
            }
        }
        return bytes;
    }

    [Property(MaxTest = 250)]
    public bool DamagedFiles(int seed) => IsSafe(Mutate(seed), seed % 3 == 0 ? "a.safetensors" : "a.pth");

    [Fact]
    public void EveryPrefixOfAFile()
    {
        foreach (var seed in Seeds.OrderBy(s => s.Length).Where((_, i) => i % 4 == 0))
            for (int length = 0; length < seed.Length; length += Math.Max(1, seed.Length / 40)) IsSafe(seed[..length], "a.pth");
    }

    [Property(MaxTest = 100)]
    public bool RandomBytes(byte[] bytes, int start) => IsSafe([.. (start & 3) switch
    {
        0 => Array.Empty<byte>(),
        1 => "PK\x03\x04"u8.ToArray(),
        2 => [0x80, 2],
        _ => [(byte)bytes.Length, 0, 0, 0, 0, 0, 0, 0, (byte)'{'],
    }, .. bytes], "a.pth");

    private static readonly byte[][] Words =
    [
        .. Enum.GetValues<PickleOp>().Select(op => new[] { (byte)op }), .. Enum.GetValues<PickleOp>().Select(op => new[] { (byte)op }),
        "ctorch._utils\n_rebuild_tensor_v2\n"u8.ToArray(), "ctorch\nFloatStorage\n"u8.ToArray(), "ccollections\nOrderedDict\n"u8.ToArray(),
        "cargparse\nNamespace\n"u8.ToArray(), "cos\nsystem\n"u8.ToArray(), "X\x07\0\0\0storage"u8.ToArray(), "X\x01\0\0\0\x30"u8.ToArray(), "K\0"u8.ToArray(),
        "q\0"u8.ToArray(), "h\0"u8.ToArray(), "(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0\x30X\x03\0\0\0cpuK\x04tQ"u8.ToArray(),
        [0x8a, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ];

    [Property(MaxTest = 250)]
    public bool OpcodesInAnyOrder(int seed)
    {
        var random = new Random(seed);
        var pickle = new List<byte> { 0x80, 2 };
        for (int n = random.Next(60); n > 0; n--) pickle.AddRange(Words[random.Next(Words.Length)]);
        pickle.Add((byte)'.');
        string path = _folder.File("soup.pth");
        TorchFiles.WriteZip(path, [.. pickle], new byte[16]);
        var bytes = File.ReadAllBytes(path);
        File.Delete(path);
        return IsSafe(bytes, "a.pth");
    }

    [Fact]
    public void BombsOfThePickleFormatAreHarmless()
    {
        // Lists that hold the list before ten times, forty deep; a list in itself; lists nested a hundred thousand deep.
        var laughs = new List<byte> { 0x80, 2, (byte)']' };
        for (byte i = 0; i < 40; i++)
        {
            laughs.AddRange([(byte)'q', i, (byte)'0', (byte)']', (byte)'(']);
            for (int n = 0; n < 10; n++) laughs.AddRange([(byte)'h', i]);
            laughs.Add((byte)'e');
        }
        laughs.Add((byte)'.');
        byte[] itself = [0x80, 2, .. "]q\0h\0a."u8];
        byte[] deep = [0x80, 2, .. Enumerable.Repeat((byte)']', 100_000), .. Enumerable.Repeat((byte)'a', 99_999), (byte)'.'];
        foreach (var pickle in new[] { [.. laughs], itself, deep })
        {
            string path = _folder.File("bomb.pth");
            TorchFiles.WriteZip(path, pickle);
            var bytes = File.ReadAllBytes(path);
            File.Delete(path);
            IsSafe(bytes, "a.pth");
        }
    }

    [Fact]
    public void SharedAndExpandedStoragesDoNotMultiplyMemory()
    {
        // A position table of 2^20 repeated rows over four stored numbers.
        var pickle = new List<byte> { 0x80, 2, (byte)'}' };
        byte[] Name(string name) => [(byte)'X', .. BitConverter.GetBytes(name.Length), .. System.Text.Encoding.ASCII.GetBytes(name)];
        pickle.AddRange([.. Name("pos_embed"), .. "ctorch._utils\n_rebuild_tensor_v2\n("u8]);
        pickle.AddRange("(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0\x30X\x03\0\0\0cpuK\x04tQ"u8.ToArray());
        pickle.AddRange([(byte)'K', 0, .. "(K\x01J"u8, .. BitConverter.GetBytes(1 + (1 << 20)), .. "K\x04t(K\0K\0K\x01t"u8, 0x89, .. "NtRs."u8]);
        string path = _folder.File("expanded.pth");
        TorchFiles.WriteZip(path, [.. pickle], new byte[16]);
        using var checkpoint = Checkpoint.Open(path);
        var tensor = Assert.Single(Tensors(checkpoint.Root));
        Assert.Equal([1, 1 + (1 << 20), 4], tensor.Shape);
        using var read = tensor.Read();
        Assert.Equal([0L, 0, 1], read.stride());
        var network = StoredNetwork.Whole(checkpoint.Root)!;
        var message = Assert.Throws<InvalidDataException>(() => StateDictMatch.Compare(network, [("pos_embed", [1, 1 + (1 << 20), 4])])).Message;
        Assert.Contains("repeated elements", message);
    }
}
