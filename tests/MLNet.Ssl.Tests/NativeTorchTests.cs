using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>A program whose project forgot the native package, or whose system cannot load it,
/// is told so in a sentence.</summary>
public sealed class NativeTorchTests : IDisposable
{
    private static readonly string[] Native = ["libtorch*", "libc10*", "libgomp*"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WithoutTheNativePackageASentenceNamesIt()
    {
        CopyProgram();
        AssertTold("libtorch is not there: add exactly one of the packages TorchSharp-cpu, TorchSharp-cuda-linux and "
            + "TorchSharp-cuda-windows to the program's project.");
    }

    [Fact]
    public void ALibraryThatCannotBeLoadedIsNotCalledMissing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(),
            "Puts links in the place of libtorch's files, and a damaged one beside them.");
        CopyProgram();
        foreach (string file in Native.SelectMany(pattern => Directory.GetFiles(AppContext.BaseDirectory, pattern)))
            File.CreateSymbolicLink(_folder.File(Path.GetFileName(file)), file);
        File.WriteAllBytes(_folder.File("libLibTorchSharp.so"), [0x7F, (byte)'E', (byte)'L', (byte)'F']);
        AssertTold("libtorch is there but cannot be loaded: ", "libLibTorchSharp.so", "file too short");
    }

    /// <summary>In the other process: what each way into the library says.</summary>
    public static int Try()
    {
        var ml = new MLContext(1);
        var ssl = ml.SelfSupervised();
        var rows = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 64)
            .Select(i => new Row { Features = [i, i % 3, i % 5], Label = (uint)i % 2 }));
        File.WriteAllText("any.mlssl", "");
        var images = new ImageStore();
        for (int i = 0; i < 2; i++) images.Add(new byte[3 * 16 * 16], 16, 16);
        Action[] ways =
        [
            () => ssl.Pretrain("Embedding", "Features").Fit(rows),
            () => ssl.LoadPretrained("Embedding", "Image", "any.mlssl"),
            () => ssl.Model.Load("any.mlssl", out _),
            () => ssl.Evaluate.NearestNeighbors(rows, rows, featureColumnName: "Features"),
            () => ssl.Evaluate.Linear(rows, rows, featureColumnName: "Features"),
            () => ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Features").Fit(rows),
            () => new EmbeddingIndex(3).Search([1, 2, 3]),
            () => ssl.LoadPretrained("Embedding", "Image", new MemoryStream([1, 2, 3])),
            () => PretrainedEncoder.Load("any.mlssl").Dispose(),
            () => Pretrainer.Fit(images, new SimClrOptions()).Dispose(),
            () => new TableStore(new float[4], 2).Dispose(),
        ];
        foreach (var way in ways)
        {
            try
            {
                way();
                Console.WriteLine("error none");
            }
            catch (Exception e)
            {
                Console.WriteLine($"error {e.GetType().Name}, {e.ToString().Split('\n').Length} lines: "
                    + $"{e.Message.ReplaceLineEndings("|")}");
            }
        }
        return 0;
    }

    private void AssertTold(params string[] parts)
    {
        string program = _folder.File(Path.GetFileName(typeof(NativeTorchTests).Assembly.Location));
        // TorchSharp looks into NuGet's cache too, and copies what it finds there beside itself.
        string cache = Directory.CreateDirectory(_folder.File("cache")).FullName;
        string said = FreshProcess.Run(["libtorch"], _folder.Path, new() { ["NUGET_PACKAGES"] = cache }, program);
        string[] errors = [.. said.Split('\n').Where(line => line.StartsWith("error ", StringComparison.Ordinal))];
        Assert.Equal(11, errors.Length);
        Assert.All(errors, error =>
        {
            Assert.Matches("^error InvalidOperationException, [1-9] lines: ", error);
            Assert.All(parts, part => Assert.Contains(part, error));
            Assert.DoesNotContain("|", error);
        });
    }

    /// <summary>All but libtorch. Without the list of dependencies the host takes what is in the folder.</summary>
    private void CopyProgram()
    {
        foreach (string pattern in new[] { "*.dll", "*.runtimeconfig.json", "libLibTorchSharp*" })
            foreach (string file in Directory.GetFiles(AppContext.BaseDirectory, pattern))
                File.Copy(file, _folder.File(Path.GetFileName(file)), overwrite: true);
        Assert.Empty(Native.SelectMany(pattern => Directory.GetFiles(_folder.Path, pattern)));
    }

    private sealed class Row
    {
        [VectorType(3)]
        public float[] Features { get; set; } = [];

        [KeyType(2)]
        public uint Label { get; set; }
    }
}
