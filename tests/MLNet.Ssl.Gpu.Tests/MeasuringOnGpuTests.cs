using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What measures and searches features on the device tells what it does on the processor.</summary>
public sealed class MeasuringOnGpuTests : IDisposable
{
    private static readonly VisionTransformerOptions Vit =
        new() { ImageSize = 24, PatchSize = 6, EmbeddingDimension = 48, Depth = 2, Heads = 2, RotaryPositions = true };

    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void ATableOfCategoriesIsPretrainedEmbeddedInPiecesAndSearched()
    {
        var device = Gpu.Device;
        using var scope = NewDisposeScope();
        var (table, labels) = Table(600);
        var log = new List<TrainingMessage>();
        var scores = new List<double>();
        var options = new MaskedReconstructionOptions
        {
            Epochs = 4,
            BatchSize = 50,
            Seed = 1,
            Backbone = new TabularMlpOptions
            {
                InputWidth = 16,
                HiddenWidths = [32],
                OutputWidth = 64,
                NumberEmbedding = NumberEmbedding.PiecewiseLinear,
            },
            Table = new() { Quantiles = 100 },
            Evaluation = new(table, labels, table, labels) { EveryEpochs = 2 },
            Progress = new Collect(report => scores.AddRange(report.KnnAccuracy is { } knn ? [knn] : [])),
        };
        using var encoder = Pretrainer.Fit(table, options, device, log.Add);
        Assert.Contains(log, message => message.Text.Contains("Table.CategoricalSlots", StringComparison.Ordinal));
        Assert.Equal(2, scores.Count);
        var whole = encoder.Embed(table);
        Assert.Equal(device.type, whole.device_type);
        Assert.True(whole.allclose(encoder.Embed(table, rowsAtATime: 7), rtol: 1e-4, atol: 1e-5));
        using var generator = new Generator(1, CPU);
        using var onCpu = new TableEncoder(encoder.Backbone.Options!.Create(generator), encoder.Preprocessing);
        onCpu.Load(encoder.Backbone.state_dict());
        AssertNear(onCpu.Embed(table), whole);
        var index = new EmbeddingIndex(encoder.EmbeddingDimension);
        float[] values = whole.cpu().flatten().data<float>().ToArray();
        foreach (var (row, embedding) in values.Chunk(encoder.EmbeddingDimension).Index())
            index.Add($"{row}", embedding);
        Assert.Equal(1, index.Search(values.AsSpan(0, encoder.EmbeddingDimension))[0].Similarity, tolerance: 1e-5);
        string path = Path.Combine(_folder, "rows.onnx");
        encoder.ExportOnnx(path);
        Assert.True(new FileInfo(path).Length > 1000);
    }

    [Fact]
    public void NeighborsProbesAndRetrievalAreTheProcessors()
    {
        var device = Gpu.Device;
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var (images, labels) = Patterns.Draw(300, 1);
        var (onGpu, onCpu) = Encoders(device, generator);
        var classes = tensor(Array.ConvertAll(labels, label => (long)label));
        var (there, here) = (onGpu.Embed(images), onCpu.Embed(images));
        AssertNear(here, there);
        using var knn = new WeightedKnn(there, classes, Patterns.Classes, 10);
        using var expected = new WeightedKnn(here, classes, Patterns.Classes, 10);
        AssertNear(expected.Score(here), knn.Score(there));
        Assert.Equal(expected.Accuracy(here, classes, [1, 10, 1000]).Select(result => result.Accuracy),
            knn.Accuracy(there, classes, [1, 10, 1000]).Select(result => result.Accuracy),
            (a, b) => Math.Abs(a - b) < 0.02);
        var probing = new LinearProbeOptions { LearningRates = [0.1, 1], Epochs = 20, BatchSize = 64 };
        using var probe = LinearProbe.Train(there, classes, Patterns.Classes, probing, there, classes);
        using var probeHere = LinearProbe.Train(here, classes, Patterns.Classes, probing, here, classes);
        Assert.Equal(
            probeHere.Accuracy(here, classes).Accuracy, probe.Accuracy(there, classes).Accuracy, tolerance: 0.05);
        using var closed = ClosedFormProbe.Train(there, classes, Patterns.Classes);
        using var closedHere = ClosedFormProbe.Train(here, classes, Patterns.Classes);
        Assert.Equal(
            closedHere.Accuracy(here, classes).Accuracy, closed.Accuracy(there, classes).Accuracy, tolerance: 0.05);
        RgbImage[] some = [images[0], images[1], images[2]];
        AssertNear(RetrievalFeatures.Extract(onCpu, some, 48, multiScale: true),
            RetrievalFeatures.Extract(onGpu, some, 48, multiScale: true));
        AssertNear(CopyDetection.Features(onCpu, some, 48), CopyDetection.Features(onGpu, some, 48));
        float[] seen = AttentionMaps.Of(onGpu, some[0], 48).Weights(1).ToArray();
        Assert.All(AttentionMaps.Of(onCpu, some[0], 48).Weights(1).ToArray().Zip(seen),
            pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-3));
        using var whitening = Whitening.Learn(there, 8);
        AssertNear(whitening.Apply(here), whitening.Apply(there));
    }

    [Fact]
    public void FilesAreIndexedFoundAndTrainedOn()
    {
        var device = Gpu.Device;
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var (images, _) = Patterns.Draw(150, 1);
        string[] paths = [.. Enumerable.Range(0, images.Count).Select(i => Path.Combine(_folder, $"{i}.png"))];
        for (int i = 0; i < paths.Length; i++)
        {
            using var image = images[i].ToMLImage();
            image.Save(paths[i]);
        }
        var (onGpu, onCpu) = Encoders(device, generator);
        using var transformer = new EmbeddingTransformer(onGpu, "Embedding", nameof(ImageFile.Path));
        var index = new EmbeddingIndex(onGpu.EmbeddingDimension);
        index.Add(transformer, paths);
        Assert.Equal(paths, index.Keys);
        var expected = new float[onCpu.EmbeddingDimension];
        onCpu.Embed([images[77]], expected);
        Assert.Equal(paths[77], index.Search(expected)[0].Key);
        Assert.Equal(paths[77], index.Search(transformer, paths[77])[0].Key);

        var ml = new MLContext(seed: 1) { GpuDeviceId = Gpu.IsPretended ? null : 0 };
        var files = ml.Data.LoadFromEnumerable(paths.Select(path => new ImageFile { Path = path }).ToList());
        using var model = ml.SelfSupervised().Pretrain("Embedding", nameof(ImageFile.Path), new SimClrOptions
        {
            Backbone = new ResNetOptions { BlocksPerStage = [1], Width = 16, Stem = ResNetStem.SmallStride2 },
            Epochs = 1,
            BatchSize = 50,
            Seed = 1,
        }).Fit(files);
        var embeddings = model.Transform(files).GetColumn<float[]>("Embedding").ToList();
        Assert.Equal(paths.Length, embeddings.Count);
        Assert.All(embeddings, embedding => Assert.All(embedding, value => Assert.True(float.IsFinite(value))));
    }

    private static (ImageEncoder OnGpu, ImageEncoder OnCpu) Encoders(Device device, Generator generator)
    {
        var (there, here) = (Vit.Create(generator), Vit.Create(generator));
        here.load_state_dict(there.state_dict());
        return (new(there.to(device), ImagePreprocessing.For(24), device) { Precision = Precision.Float32 },
            new(here, ImagePreprocessing.For(24)));
    }

    /// <summary>Rows whose label is told by a category of three and by numbers with a heavy tail.</summary>
    private static (TableStore Table, int[] Labels) Table(int count)
    {
        var random = new Random(1);
        var values = new float[8 * count];
        var labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            int kind = random.Next(3);
            labels[i] = kind;
            values[8 * i + kind] = 1;
            for (int slot = 3; slot < 8; slot++)
                values[8 * i + slot] = MathF.Exp(kind * slot / 4f + random.NextSingle());
        }
        return (new TableStore(values, 8), labels);
    }

    private static void AssertNear(Tensor expected, Tensor actual)
    {
        double error = (expected - actual.cpu()).norm().ToSingle() / expected.norm().ToSingle();
        Assert.True(error < 2e-3, $"{error}");
    }

    private sealed class ImageFile
    {
        public string Path { get; set; } = "";
    }
}
