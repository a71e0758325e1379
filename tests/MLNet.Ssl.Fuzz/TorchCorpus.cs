using System.IO.Compression;
using MLNet.Ssl.Tests;
using static TorchSharp.torch;

namespace MLNet.Ssl.Fuzz;

/// <summary>Small files of weights: a vision transformer, a ResNet, and the golden files.</summary>
internal static class TorchCorpus
{
    private static readonly BackboneOptions[] Backbones =
    [
        new VisionTransformerOptions { ImageSize = 8, PatchSize = 4, EmbeddingDimension = 8, Depth = 2, Heads = 2,
            MlpRatio = 2 },
        new ResNetOptions { Width = 2, BlocksPerStage = [1, 1], Stem = ResNetStem.Small },
    ];

    private static readonly Lazy<byte[][]> Zips =
        new(() => [.. Golden("*.pth").Where(IsZip), .. Written(TorchFiles.WriteZip)]);
    private static readonly Lazy<byte[][]> Legacies =
        new(() => [.. Golden("*").Where(bytes => bytes is [0x80, ..]), .. Written(TorchFiles.WriteLegacy)]);
    private static readonly Lazy<byte[][]> SafeTensorFiles =
        new(() => [.. Golden("good*.safetensors"), .. Written(WriteSafeTensors)]);
    private static readonly Lazy<byte[][]> Pickled =
        new(() => [.. Zips.Value.Select(PickleOf).OfType<byte[]>(), Others]);

    /// <summary>Opcodes, names and values that mean something.</summary>
    private static readonly byte[][] Words =
    [
        .. Enum.GetValues<PickleOp>().Select(op => new[] { (byte)op }),
        .. new[]
        {
            ("torch._utils", "_rebuild_tensor_v2"), ("torch", "FloatStorage"), ("collections", "OrderedDict"),
            ("collections", "Counter"), ("collections", "defaultdict"),
            ("argparse", "Namespace"), ("os", "system"), ("my.lib", "Any"), ("builtins", "set"), ("numpy", "dtype"),
            ("numpy", "ndarray"), ("_codecs", "encode"),
            ("numpy.core.multiarray", "scalar"), ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.numeric", "_frombuffer"), ("copyreg", "_reconstructor"),
        }.Select(name => Pickles.Name(name.Item1, name.Item2)),
        Pickles.Text("storage"), Pickles.Text("0"), Pickles.Text("f8"), Pickles.Text("<"), Pickles.Text("latin1"),
        Pickles.Text(new string('k', 1000)), Pickles.Bytes(1, 2),
        "K\0"u8.ToArray(), "K\x01"u8.ToArray(), "q\0"u8.ToArray(), "h\0"u8.ToArray(), "h\x01"u8.ToArray(),
        Pickles.Tensor, "(K\x03K\x04t"u8.ToArray(),
        [.. "K\0h\0"u8, 0x86], [.. "h\0h\0"u8, 0x86], Pickles.Repeat("h\0R"u8.ToArray(), 200),
        Pickles.Repeat("a"u8.ToArray(), 50), Pickles.Repeat("("u8.ToArray(), 500),
        [0x8a, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0x93], [0x81], [0x85, (byte)'R'], [0x86, (byte)'R'],
        [0x87, (byte)'R'], ")R"u8.ToArray(), "tR"u8.ToArray(),
    ];

    /// <summary>What checkpoints hold beside weights: a scalar and an array of numpy,
    /// a set, a counter, a path.</summary>
    private static byte[] Others =>
    [
        .. Pickles.Start, (byte)'}', .. Pickles.Text("w"), .. Pickles.Tensor, (byte)'s',
        .. Pickles.Text("scalar"), .. Pickles.Name("numpy.core.multiarray", "scalar"), .. Dtype, .. Pickles.Put(0),
        .. Pickles.Bytes(0, 0, 192, 63), 0x86, .. "Rs"u8,
        .. Pickles.Text("array"), .. Pickles.Name("numpy.core.multiarray", "_reconstruct"),
        .. Pickles.Name("numpy", "ndarray"), .. "K\0"u8, 0x85, .. Pickles.Bytes(98),
        0x87, .. "R(K\x01K\x01"u8, 0x85, .. Pickles.Get(0), 0x89, .. Pickles.Bytes(0, 0, 192, 63), .. "tbs"u8,
        .. Pickles.Text("set"), .. Pickles.Name("builtins", "set"), .. "](K\x01K\u0002e"u8, 0x85, .. "Rs"u8,
        .. Pickles.Text("counter"), .. Pickles.Name("collections", "Counter"), .. "}K\x01K\x05s"u8, 0x85, .. "Rs"u8,
        .. Pickles.Text("path"), .. Pickles.Name("pathlib", "PosixPath"), .. Pickles.Text("home"), 0x85, .. "Rs."u8,
    ];

    private static byte[] Dtype =>
    [
        .. Pickles.Name("numpy", "dtype"), .. Pickles.Text("f4"), 0x89, 0x88, 0x87, .. "R(K\x03"u8,
        .. Pickles.Text("<"), .. "NNNJ"u8, .. BitConverter.GetBytes(-1),
        (byte)'J', .. BitConverter.GetBytes(-1), .. "K\0tb"u8,
    ];

    public static byte[] Zip(int seed) => Damaged(Zips.Value, seed);

    public static byte[] Legacy(int seed) => Damaged(Legacies.Value, seed, Words);

    public static byte[] SafeTensors(int seed) => Damaged(SafeTensorFiles.Value, seed);

    /// <summary>A damaged pickle, or opcodes in any order, in a whole archive; one in eight on its own.</summary>
    public static byte[] Pickle(int seed)
    {
        var random = new Random(seed);
        byte[] pickle = random.Next(4) == 0
            ? [.. Pickles.Start, .. Enumerable.Range(0, random.Next(80)).SelectMany(_ => random.Of(Words)), (byte)'.']
            : Mutations.Bytes(random.Of(Pickled.Value), random, Words);
        return random.Next(8) == 0 ? pickle : Archive(pickle);
    }

    private static byte[] Damaged(byte[][] files, int seed, byte[][]? words = null)
    {
        var random = new Random(seed);
        return Mutations.Bytes(random.Of(files), random, words);
    }

    private static byte[] Archive(byte[] pickle) =>
        Written(path => TorchFiles.WriteZip(path, pickle, [.. Enumerable.Repeat(new byte[4096], 24)]));

    private static bool IsZip(byte[] bytes) => bytes.AsSpan().StartsWith("PK"u8);

    private static byte[]? PickleOf(byte[] zip)
    {
        using var archive = new ZipArchive(new MemoryStream(zip));
        if (archive.Entries.FirstOrDefault(entry => entry.Name == "data.pkl") is not { } entry) return null;
        using var stream = entry.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static IEnumerable<byte[]> Golden(string pattern) =>
        Directory.GetFiles(Path.Combine(Tests.Golden.Folder, "checkpoints"), pattern).Order(StringComparer.Ordinal)
            .Where(file => !Path.GetFileName(file).StartsWith("corrupt", StringComparison.Ordinal))
            .Select(File.ReadAllBytes).Where(bytes => bytes.Length < 1 << 15);

    /// <summary>The networks as <paramref name="write"/> writes them, in a training checkpoint.</summary>
    private static IEnumerable<byte[]> Written(Action<string, object?> write)
    {
        using var generator = new Generator(1, CPU);
        foreach (var options in Backbones)
        {
            using var backbone = options.Create(generator);
            var state = backbone.state_dict()
                .ToDictionary(entry => $"module.{entry.Key}", entry => (object?)entry.Value);
            yield return Written(path =>
                write(path, new Dictionary<string, object?> { ["state_dict"] = state, ["epoch"] = 7L, ["lr"] = 0.5 }));
        }
    }

    private static void WriteSafeTensors(string path, object? root) => Ssl.Weights.SafeTensors.Write(path,
        ((Dictionary<string, object?>)((Dictionary<string, object?>)root!)["state_dict"]!)
            .Select(entry => KeyValuePair.Create(entry.Key["module.".Length..], (Tensor)entry.Value!)),
        new Dictionary<string, string>
        {
            ["format"] = "pt",
            ["library"] = "MLNet.Ssl",
            ["heads"] = "2",
            ["mean"] = "0 0 0",
            ["std"] = "1 1 1",
            ["resize"] = "8"
        });

    private static byte[] Written(Action<string> write)
    {
        using var folder = new TemporaryFolder();
        write(folder.File("file"));
        return File.ReadAllBytes(folder.File("file"));
    }
}
