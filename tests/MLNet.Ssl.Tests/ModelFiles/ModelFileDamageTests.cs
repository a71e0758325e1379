using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML;

namespace MLNet.Ssl.Tests;

/// <summary>Files that are damaged, hostile, of the first format version, or of a later one.</summary>
public sealed class ModelFileDamageTests : IDisposable
{
    private const string Kind = "images with neighbours";

    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();

    /// <summary>Written by version 0.1.0 of the library: a ResNet of one block and six rows of
    /// neighbours, of two classes.</summary>
    private static string FirstFormat => Path.Combine(AppContext.BaseDirectory, "ModelFiles", "format-1.zip");

    public void Dispose() => _folder.Dispose();

    private ITransformer Load(byte[] file)
    {
        File.WriteAllBytes(_folder.File("model.zip"), file);
        return _ml.SelfSupervised().Model.Load(_folder.File("model.zip"), out _);
    }

    private byte[] AnswersOf(ITransformer model)
    {
        var answers = SavedModels.Answers(_ml, model, Kind);
        (model as IDisposable)?.Dispose();
        return answers;
    }

    private string Refused(byte[] file)
    {
        var error = Assert.Throws<InvalidDataException>(() => Load(file));
        Assert.Contains($"The model file '{_folder.File("model.zip")}' is refused: ", error.Message);
        return error.Message;
    }

    [Fact]
    public void AFolderInPlaceOfAFileIsCalledThat()
    {
        string folder = _folder.Path;
        Action[] readers =
        [
            () => _ml.SelfSupervised().Model.Load(folder, out _),
            () => EmbeddingIndex.Load(folder),
            () => Checkpoint.Open(folder),
            () => RgbImages.Load(folder),
        ];
        Assert.All(readers, read =>
            Assert.Contains($"'{folder}' is a folder; expected a file.", Assert.ThrowsAny<Exception>(read).Message));
    }

    [Fact]
    public void AFileOfTheFirstFormatLoadsAndPredictsAsItDid()
    {
        var model = _ml.SelfSupervised().Model.Load(FirstFormat, out var schema);
        Assert.Equal(["Image"], schema!.Select(c => c.Name));
        var rows = Enumerable.Range(0, 6).Select(i => new SavedModels.Labelled { Image = TestImages.Image(i) });
        var answers = SavedModels.Ask(_ml, model, _ml.Data.LoadFromEnumerable(rows));
        var expected = File.ReadLines(Path.ChangeExtension(FirstFormat, ".txt"))
            .Select(line => line.Split(' ').Select(float.Parse).ToArray()).ToArray();
        for (int i = 0; i < expected.Length; i++)
        {
            TestImages.AssertClose(expected[i][..4], answers[i].Embedding);
            TestImages.AssertClose(expected[i][4..], answers[i].Score, 1e-4f);
        }
        (model as IDisposable)?.Dispose();
    }

    [Fact]
    public void ATruncatedFileIsRefused()
    {
        var file = File.ReadAllBytes(FirstFormat);
        for (int length = 0; length < file.Length; length += Math.Max(1, file.Length / 60)) Refused(file[..length]);
    }

    [Fact]
    public void AFileWithAFlippedBitIsRefusedOrUnharmed()
    {
        var file = File.ReadAllBytes(FirstFormat);
        var expected = AnswersOf(Load(file));
        var random = new Random(1);
        int refused = 0;
        for (int trial = 0; trial < 400; trial++)
        {
            var damaged = file.ToArray();
            damaged[random.Next(file.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                Assert.Equal(expected, AnswersOf(Load(damaged)));
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 300, 400);
    }

    /// <summary>The file with its description changed, and made consistent again.</summary>
    private static byte[] Rewrite(Action<JsonNode> change, Action<Dictionary<string, byte[]>>? changeEntries = null,
        CompressionLevel compression = CompressionLevel.NoCompression) =>
            Archives.RewriteModel(File.ReadAllBytes(FirstFormat), change, changeEntries, compression);

    private static JsonNode Part(JsonNode json, string kind) =>
        json["model"]!["members"]!.AsArray().Select(member => member!["transformer"]!)
            .Single(part => (string)part["kind"]! == kind);

    [Fact]
    public void ARewrittenFileIsTheSameModel() =>
        Assert.Equal(AnswersOf(Load(File.ReadAllBytes(FirstFormat))), AnswersOf(Load(Rewrite(_ => { }))));

    [Fact]
    public void ANewerFormatIsRefusedWithTheVersionThatWroteIt()
    {
        string message =
            Refused(Rewrite(json => (json["formatVersion"], json["libraryVersion"], json["new"]) = (2, "7.1.0", true)));
        Assert.Contains($"format version 2, written by MLNet.Ssl 7.1.0; MLNet.Ssl {ModelWriter.LibraryVersion} reads "
            + "versions up to 1", message);
    }

    /// <summary>A classifier on the backbone, of its weights alone.</summary>
    private static void Classify(JsonNode json, int classes, string? head = null, int headLayers = 0)
    {
        var (embedding, columns) = (Part(json, "embedding"), Part(json, "nearest-neighbors")["columns"]);
        json["model"] = new JsonObject
        {
            ["kind"] = "image-classification",
            ["columns"] = columns!.DeepClone(),
            ["backbone"] = embedding["backbone"]!.DeepClone(),
            ["head"] = head is null ? null : JsonNode.Parse(head),
            ["headLayers"] = headLayers,
            ["images"] = embedding["images"]!.DeepClone(),
            ["numberOfClasses"] = classes,
            ["classes"] = null,
            ["weights"] = "parts/000.safetensors",
        };
    }

    public static TheoryData<string, Action<JsonNode>, string> Lies() => new()
    {
        { "no format", json => json["format"] = "else", "names no format" },
        { "version zero", json => json["formatVersion"] = 0, "names no format" },
        { "unknown kind", json => Part(json, "embedding")["kind"] = "program", "program" },
        { "unknown property", json => Part(json, "embedding")["run"] = "rm", "run" },
        { "no weights", json => Part(json, "embedding").AsObject().Remove("weights"), "weights" },
        { "unknown backbone", json => Part(json, "embedding")["backbone"]!["kind"] = "System.Object", "System.Object" },
        { "wide backbone", json => Part(json, "embedding")["backbone"]!["width"] =
            1 << 20, "entry 'parts/000.safetensors': the network described has at least" },
        { "deep backbone", json => Part(json, "embedding")["backbone"]!["blocksPerStage"]![0] = int.MaxValue,
            "the network described has at least" },
        { "many narrow blocks", json => Part(json, "embedding")["backbone"] =
            JsonNode.Parse("""{"kind": "resnet", "width": 1, "blocksPerStage": [40]}"""), "tensors, the entry" },
        {
            "many narrow blocks of a transformer", json => Part(json, "embedding")["backbone"] = JsonNode.Parse(
                """{"kind": "vision-transformer", "patchSize": 4, "imageSize": 4, "embeddingDimension": 1, "heads": 1, "mlpRatio": 1, "depth": 90}"""),
            "tensors, the entry"
        },
        { "many classes", json => Classify(json, classes: 1 << 23), "the network described has at least" },
        { "too many classes", json => Classify(json, classes: int.MaxValue), "do not go together" },
        { "wide head", json => Classify(json, 2, """{"inputDimension": 4, "outputDimension": 100000000, "layers": 1}""",
            1), "the network described has at least" },
        { "deep head", json => Classify(json, 2, """{"inputDimension": 4, "layers": 1000000}""", 999_999),
            "the network described has at least" },
        { "head of which nothing is kept", json => Classify(json, 2,
            """{"inputDimension": 4, "outputDimension": 2000000000, "layers": 2000000000}""", 0), "tensor" },
        { "many neighbours' classes", json => Part(json, "nearest-neighbors")["numberOfClasses"] = int.MaxValue,
            "number of classes" },
        { "weights of two parts", json => json["model"]!["members"]!.AsArray()
            .Insert(0, json["model"]!["members"]![0]!.DeepClone()), "two parts of the model refer" },
        { "other backbone", json => Part(json, "embedding")["backbone"]!["stem"] = "ImageNet",
            "tensor 'conv1.weight' is (4, 3, 3, 3) in the file" },
        { "number for a name", json => Part(json, "embedding")["backbone"]!["stem"] = 1, "stem" },
        { "zero width", json => Part(json, "embedding")["backbone"]!["width"] = 0, "Width is 0" },
        { "no mean", json => Part(json, "embedding")["images"]!["mean"] = new JsonArray(), "0 means" },
        { "mean not finite", json => Part(json, "embedding")["images"]!["mean"]![0] = "NaN", "Normalization.Mean[0]" },
        { "no input", json => Part(json, "embedding")["input"] = "", "Input" },
        { "null", json => Part(json, "embedding")["output"] = null, "output" },
        { "both inputs", json => Part(json, "embedding")["table"] = JsonNode.Parse("""{"mean": [1], "scale": [1]}"""),
            "neither" },
        { "images of no size", json => Part(json, "embedding")["column"] =
            JsonNode.Parse("""{"holds": "Images", "dimensions": [0, 5]}"""), "Images with the dimensions (0, 5)" },
        { "images of any memory", json => Part(json, "embedding")["column"] =
            JsonNode.Parse("""{"holds": "Images", "dimensions": [2000000000, 2000000000]}"""), "Images with the" },
        { "pixels of no image", json => Part(json, "embedding")["column"] =
            JsonNode.Parse("""{"holds": "Pixels", "dimensions": [5, 5, 5]}"""), "Pixels with the dimensions" },
        { "too small a crop", json => (Part(json, "embedding")["images"]!["cropSize"],
            Part(json, "embedding")["images"]!["resize"]) = (0, 0), "Resize" },
        { "no neighbours", json => Part(json, "nearest-neighbors")["numberOfNeighbors"] = -1,
            "NumberOfNeighbors is -1" },
        { "temperature not finite", json => Part(json, "nearest-neighbors")["temperature"] = "Infinity",
            "Temperature" },
        {
            "too few classes", json => (Part(json, "nearest-neighbors")["numberOfClasses"],
                Part(json, "nearest-neighbors")["classes"]) = (1, null),
            "labels are not all between 0 and 0"
        },
        { "names of other classes",
            json => Part(json, "nearest-neighbors")["classes"]!["values"]!.AsArray().Add("third"), "names for 3" },
        { "names of another type", json => Part(json, "nearest-neighbors")["classes"]!["type"] = "Object",
            "unknown type 'Object'" },
        { "entry not listed", json => json["entries"]!.AsObject().Remove("parts/001.safetensors"),
            "'parts/001.safetensors'" },
        { "entry not there", json => json["entries"]!["../../escape"] =
            JsonNode.Parse("""{"length": 1, "sha256": "00"}"""), "0 entries '../../escape'" },
        { "path out", json => Part(json, "embedding")["weights"] = "../../escape",
            "entry '../../escape': the list of entries lacks it" },
        { "member null", json => json["model"]!["members"]!.AsArray().Add(null), "null" },
        { "index out of range", json => json["schema"]!["images"]![0]!["index"] = 7, "has the index 7" },
        {
            "a part of ML.NET that is none", json =>
                json["model"] = JsonNode.Parse("""{"kind": "ml.net", "type": "x", "model": "parts/000.safetensors"}"""),
            "entry 'parts/000.safetensors'"
        },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void ADescriptionThatLiesIsRefused(string lie, Action<JsonNode> change, string expected)
    {
        var file = Rewrite(change);
        var clock = Stopwatch.StartNew();
        string message = Refused(file);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 20);
        Assert.True(message.Contains(expected, StringComparison.OrdinalIgnoreCase), $"{lie}: {message}");
    }

    [Fact]
    public void EntriesThatLieAreRefused()
    {
        Assert.Contains("is not on the list", Refused(Rewrite(_ => { }, entries => entries["more.bin"] = [1])));
        Assert.Contains("is compressed", Refused(Rewrite(_ => { }, compression: CompressionLevel.Optimal)));
        Assert.Contains("SHA-256",
            Refused(Rewrite(json => json["entries"]!["parts/000.safetensors"]!["sha256"] = "00")));
        var notFinite = Rewrite(_ => { }, entries =>
            BitConverter.TryWriteBytes(entries["parts/000.safetensors"].AsSpan(^4..), float.NaN));
        Assert.Contains("not finite", Refused(notFinite));
        Assert.Contains("tensors",
            Refused(Rewrite(_ => { }, entries => entries["parts/001.safetensors"] = entries["parts/000.safetensors"])));
        Assert.Contains("it is no zip archive, or ends early", Refused([.. "PK not really"u8]));
    }

    [Fact]
    public void EntriesThatOverlapAreRefused()
    {
        string[] names = ["parts/002.safetensors", "parts/003.safetensors"];
        var file = Rewrite(
            json =>
            {
                foreach (string name in names)
                    json["entries"]![name] = json["entries"]!["parts/000.safetensors"]!.DeepClone();
            },
            entries =>
            {
                foreach (string name in names) entries[name] = [1];
            });
        // The archive's list gives the new names the bytes of the first entry: checksum, sizes, place.
        int first = RecordOf(file, "parts/000.safetensors");
        foreach (string name in names)
        {
            int record = RecordOf(file, name);
            file.AsSpan(first + 16, 12).CopyTo(file.AsSpan(record + 16));
            file.AsSpan(first + 42, 4).CopyTo(file.AsSpan(record + 42));
        }
        Assert.Matches(@"its entries claim \d+ bytes; the file has", Refused(file));
    }

    private static int RecordOf(byte[] file, string name) =>
        file.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes(name)) - 46;
}
