namespace MLNet.Ssl.Fuzz;

/// <summary>A reader of files, with files to damage.</summary>
/// <param name="Name">Its name.</param>
/// <param name="FileName">Name of the files it is given.</param>
/// <param name="Damaged">The damaged file of a seed.</param>
/// <param name="Accepts">Reads a file: false, or an <see cref="InvalidDataException"/>
/// that names it, refuses it.</param>
/// <param name="BaseBytes">Memory that may be taken in all for the smallest file.</param>
internal sealed record Reader(string Name, string FileName, Func<int, byte[]> Damaged, Func<string, bool> Accepts,
    long BaseBytes = 4 << 20)
{
    /// <summary>Memory that may be taken in all for a byte of the file: a list or dictionary takes a byte
    /// there and some tens here.</summary>
    public const long BytesEach = 160;

    public static IReadOnlyList<Reader> All { get; } =
    [
        new("pth", "a.pth", TorchCorpus.Zip, Reading.Weights),
        new("legacy", "a.pth", TorchCorpus.Legacy, Reading.Weights),
        new("pickle", "a.pth", TorchCorpus.Pickle, Reading.Weights),
        new("safetensors", "a.safetensors", TorchCorpus.SafeTensors, Reading.Weights),
        new("network", "a.safetensors", NetworkCorpus.Network, Reading.Network),
        new("shards", "a.safetensors.index.json", NetworkCorpus.ShardIndex, Reading.Shards),
        new("model", "model.zip", ArchiveCorpus.Model, Reading.Model, 32 << 20),
        new("index", "index.zip", ArchiveCorpus.Index, Reading.Index),
        new("image", "a.image", ImageCorpus.Image, Reading.Image, 8 << 20),
        new("checkpoint", "checkpoint-0000000006.safetensors", RunCorpus.Checkpoint, Reading.Run),
    ];

    /// <summary>Readers that fail at the second file, for the tests of the watch.</summary>
    private static readonly Reader[] Failing =
    [
        Fails("hangs", () => Thread.Sleep(Timeout.Infinite)),
        Fails("hoards", () =>
        {
            for (var held = new List<TorchSharp.torch.Tensor>(); ; Thread.Sleep(5))
                held.Add(TorchSharp.torch.ones(1 << 22).DetachFromDisposeScope());
        }),
        Fails("throws", () => throw new FormatException()),
        Fails("dies", () => Environment.Exit(3)),
        Fails("allocates", () => GC.KeepAlive(new byte[64 << 20])),
    ];

    public static Reader Named(string name) => All.Concat(Failing).First(reader => reader.Name == name);

    private static Reader Fails(string name, Action how) => new(name, "a.bin", seed => [(byte)seed], path =>
    {
        if (File.ReadAllBytes(path) is [8]) how();
        return true;
    });
}
