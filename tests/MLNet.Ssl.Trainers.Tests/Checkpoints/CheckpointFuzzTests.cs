using System.Diagnostics;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Whatever the bytes: a value or an <see cref="InvalidDataException"/>, in
/// little memory and little time.</summary>
public sealed class CheckpointFuzzTests : IDisposable
{
    // A list or dictionary takes a byte in the file and some tens here.
    private static long MemoryBound(long length) => (4 << 20) + 160 * length;

    private static readonly TimeSpan TimeBound = TimeSpan.FromSeconds(10);

    /// <summary>Every file that reads, of the golden set.</summary>
    private static readonly byte[][] Seeds =
    [
        .. Golden.Load("checkpoints").Params.GetProperty("files").EnumerateArray()
            .Where(f => f.GetProperty("expect").GetString()!.Contains("ok"))
            .Select(f =>
                File.ReadAllBytes(Path.Combine(Golden.Folder, "checkpoints", f.GetProperty("file").GetString()!))),
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private void AssertSafe(byte[] bytes)
    {
        string path = _folder.File("a.pth");
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

    [Fact]
    public void EveryPrefixOfAFile()
    {
        foreach (var seed in Seeds.OrderBy(s => s.Length).Where((_, i) => i % 4 == 0))
            for (int length = 0; length < seed.Length; length += Math.Max(1, seed.Length / 40))
                AssertSafe(seed[..length]);
    }

    [Fact]
    public void AnEntryOfACompressionThatChangesNoLengthIsToldByName()
    {
        string path = _folder.File("a.pth");
        TorchFiles.WriteZip(path, [.. Pickles.Start, (byte)'}', .. Pickles.Text("w"), .. Pickles.Tensor, .. "s."u8],
            new byte[8]);
        var bytes = File.ReadAllBytes(path);
        // The method in the archive's list: Deflate64.
        bytes[bytes.AsSpan().LastIndexOf("archive/data/0"u8) - 46 + 10] = 9;
        File.WriteAllBytes(path, bytes);
        using var checkpoint = Checkpoint.Open(path);
        string message = Assert.Throws<InvalidDataException>(() => Assert.Single(Tensors(checkpoint.Root)).Read())
            .Message;
        Assert.Contains($"'{path}' is damaged: its entry 'archive/data/0' cannot be read", message);
    }

    [Fact]
    public void BombsOfThePickleFormatAreHarmless()
    {
        // Lists that hold the list before ten times, forty deep; a list in itself;
        // lists nested a hundred thousand deep.
        var laughs = new List<byte> { 0x80, 2, (byte)']' };
        for (byte i = 0; i < 40; i++)
        {
            laughs.AddRange([(byte)'q', i, (byte)'0', (byte)']', (byte)'(']);
            for (int n = 0; n < 10; n++) laughs.AddRange([(byte)'h', i]);
            laughs.Add((byte)'e');
        }
        laughs.Add((byte)'.');
        byte[] itself = [0x80, 2, .. "]q\0h\0a."u8];
        byte[] deep =
            [0x80, 2, .. Enumerable.Repeat((byte)']', 100_000), .. Enumerable.Repeat((byte)'a', 99_999), (byte)'.'];
        foreach (var pickle in new[] { [.. laughs], itself, deep })
        {
            string path = _folder.File("bomb.pth");
            TorchFiles.WriteZip(path, pickle);
            var bytes = File.ReadAllBytes(path);
            File.Delete(path);
            AssertSafe(bytes);
        }
    }

    [Fact]
    public void SharedAndExpandedStoragesDoNotMultiplyMemory()
    {
        // A position table of 2^20 repeated rows over four stored numbers.
        var pickle = new List<byte> { 0x80, 2, (byte)'}' };
        byte[] Name(string name) =>
            [(byte)'X', .. BitConverter.GetBytes(name.Length), .. System.Text.Encoding.ASCII.GetBytes(name)];
        pickle.AddRange([.. Name("pos_embed"), .. "ctorch._utils\n_rebuild_tensor_v2\n("u8]);
        pickle.AddRange("(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0\x30X\x03\0\0\0cpuK\x04tQ"u8.ToArray());
        pickle.AddRange([(byte)'K', 0, .. "(K\x01J"u8, .. BitConverter.GetBytes(1 + (1 << 20)),
            .. "K\x04t(K\0K\0K\x01t"u8, 0x89, .. "NtRs."u8]);
        string path = _folder.File("expanded.pth");
        TorchFiles.WriteZip(path, [.. pickle], new byte[16]);
        using var checkpoint = Checkpoint.Open(path);
        var tensor = Assert.Single(Tensors(checkpoint.Root));
        Assert.Equal([1, 1 + (1 << 20), 4], tensor.Shape);
        using var read = tensor.Read();
        Assert.Equal([0L, 0, 1], read.stride());
        var network = StoredNetwork.Whole(checkpoint.Root)!;
        var message = Assert.Throws<InvalidDataException>(() =>
            StateDictMatch.Compare(network, [("pos_embed", [1, 1 + (1 << 20), 4])])).Message;
        Assert.Contains("repeated elements", message);
    }
}
