using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What follows training, on the device: embedding, evaluation, fine-tuning,
/// distillation, files and export.</summary>
public sealed class UsingOnGpuTests : IDisposable
{
    private static readonly VisionTransformerOptions Vit =
        new() { ImageSize = 24, PatchSize = 6, EmbeddingDimension = 48, Depth = 3, Heads = 2 };

    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData(Precision.Float32, 1e-4f)]
    [InlineData(Precision.BFloat16, 2e-2f)]
    public void EmbeddingsAreTheProcessors(Precision precision, float tolerance)
    {
        var device = Gpu.Device;
        var images = Patterns.Draw(150, 1).Images;
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var there = Vit.Create(generator);
        using var here = Vit.Create(generator);
        here.load_state_dict(there.state_dict());
        using var onGpu =
            new ImageEncoder(there.to(device), ImagePreprocessing.For(24), device) { Precision = precision };
        using var onCpu = new ImageEncoder(here, ImagePreprocessing.For(24));
        using var tf32 = TensorFloat32.Use(false);
        var (expected, actual) = (onCpu.Embed(images), onGpu.Embed(images).cpu());
        Assert.True((expected - actual).norm(1).div(expected.norm(1)).max().ToSingle() < tolerance);
        string path = Path.Combine(_folder, "encoder.safetensors");
        onGpu.SaveSafeTensors(path);
        var state = here.state_dict();
        Assert.All(SafeTensors.Read(path), entry =>
            Assert.True(entry.Value.allclose(state[entry.Key], rtol: 0, atol: 0)));
    }

    [Fact]
    public void ACursorEmbedsBatchAfterBatchAsTheProcessorDoes()
    {
        var device = Gpu.Device;
        const int count = 300;
        var images = Patterns.Draw(count, 1).Images;
        RgbImage[] all = [.. Enumerable.Range(0, count).Select(i => images[i])];
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var there = Vit.Create(generator);
        using var here = Vit.Create(generator);
        here.load_state_dict(there.state_dict());
        using var onCpu = new ImageEncoder(here, ImagePreprocessing.For(24));
        using var transformer = new EmbeddingTransformer(
            new ImageEncoder(there.to(device), ImagePreprocessing.For(24), device) { Precision = Precision.Float32 },
            "Embedding", nameof(Row.Image));
        var expected = new float[count * onCpu.EmbeddingDimension];
        onCpu.Embed(all, expected);
        var view = transformer.Transform(
            new MLContext(1).Data.LoadFromEnumerable(
                all.Select(image => new Row { Image = image.ToMLImage() }).ToList()));
        float[] actual = [.. Embeddings(view).SelectMany(row => row)];
        double most = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-3 * most));
    }

    [Fact]
    public void KnnAndProbeTellTheClassesOnTheDevice()
    {
        var device = Gpu.Device;
        using var scope = NewDisposeScope();
        var (train, trainLabels) = Patterns.Draw(400, 1);
        var (test, testLabels) = Patterns.Draw(200, 2);
        long[] known = [.. trainLabels.Select(l => (long)l)], asked = [.. testLabels.Select(l => (long)l)];
        var options = new SimClrOptions
        {
            Backbone = new ResNetOptions { BlocksPerStage = [1, 1], Width = 32, Stem = ResNetStem.Small },
            Epochs = 15,
            BatchSize = 50,
            Seed = 1,
            Evaluation = new(train, trainLabels, test, testLabels) { EveryEpochs = 5 },
        };
        var reports = new List<TrainingProgress>();
        options = options with { Progress = new Collect(reports.Add) };
        using var encoder = Pretrainer.Fit(train, options, device);
        var scores = reports.Select(r => r.KnnAccuracy).OfType<double>().ToList();
        Assert.Equal(3, scores.Count);
        Assert.True(scores[^1] > 0.6, $"kNN {scores[^1]}");
        using var knn = new WeightedKnn(encoder.Embed(train), tensor(known), Patterns.Classes, 10);
        Assert.InRange(knn.Accuracy(encoder.Embed(test), tensor(asked), [10])[0].Accuracy, scores[^1] - 0.05, 1);
    }

    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public void FineTuningAndDistillationLearn(Precision precision)
    {
        var device = Gpu.Device;
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var (images, labels) = Patterns.Draw(256, 1);
        var validated = new List<double>();
        using var encoder = new ImageEncoder(Vit.Create(generator).to(device), ImagePreprocessing.For(24), device);
        using var teacher = FineTuner.Fit(
            images, labels, Patterns.Classes, encoder,
            new FineTuneOptions
            {
                Epochs = 40,
                BatchSize = 32,
                Seed = 1,
                LearningRate = 0.01,
                MinCropScale = 0.8,
                MixupAlpha = 0.2,
                LabelSmoothing = 0.1,
                Precision = precision,
                Validation = new(images, labels) { EveryEpochs = 10 },
                Progress = new Collect(report => validated.AddRange(report.ValidationAccuracy is { } a ? [a] : [])),
            });
        Assert.Equal(4, validated.Count);
        Assert.InRange(Accuracy(teacher, images, labels), validated.Max() - 0.05, validated.Max() + 0.05);
        Assert.True(Accuracy(teacher, images, labels) > 0.8, $"fine-tuned {Accuracy(teacher, images, labels)}");
        using var student = Distiller.Fit(
            images, null, teacher,
            new DistillOptions
            {
                Student = Vit with { Depth = 2 },
                Epochs = 40,
                BatchSize = 32,
                Seed = 1,
                LearningRate = 0.01,
                MinCropScale = 0.8,
                Precision = precision
            });
        Assert.True(Accuracy(student, images, labels) > 0.7, $"distilled {Accuracy(student, images, labels)}");
        Assert.All(student.Network.parameters(), p =>
            Assert.Equal((ScalarType.Float32, device.type), (p.dtype, p.device_type)));
    }

    [Fact]
    public void APipelineTrainsSavesLoadsAndExports()
    {
        _ = Gpu.Device;
        var ml = new MLContext(seed: 1) { GpuDeviceId = Gpu.IsPretended ? null : 0 };
        var (images, _) = Patterns.Draw(64, 1);
        var rows = ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, 64).Select(i => new Row { Image = images[i].ToMLImage() }).ToList());
        var ssl = ml.SelfSupervised();
        var model = ssl.Pretrain("Embedding", nameof(Row.Image), new DinoOptions
        {
            Backbone = Vit,
            Epochs = 2,
            BatchSize = 16,
            ImageSize = 24,
            LocalCrops = 2,
            LocalSize = 12,
            OutputDimension = 64,
            Seed = 1,
        }).Fit(rows);
        var expected = Embeddings(model.Transform(rows));
        string path = Path.Combine(_folder, "model.zip");
        ssl.Model.Save(model, rows.Schema, path);
        var loaded = ssl.Model.Load(path, out _);
        Assert.Equal(expected[5], Embeddings(loaded.Transform(rows))[5]);
        string onnx = Path.Combine(_folder, "model.onnx");
        model.ExportOnnx(onnx);
        using var session = new InferenceSession(onnx);
        var input = new DenseTensor<float>([1, 3, 24, 24]);
        for (int i = 0; i < 24 * 24; i++)
            for (int c = 0; c < 3; c++) input.Buffer.Span[c * 576 + i] = images[5].Pixels.Span[3 * i + c];
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("image", input)]);
        float[] exported = [.. results[0].AsEnumerable<float>()];
        double cosine = System.Numerics.Tensors.TensorPrimitives.CosineSimilarity<float>(exported, expected[5]);
        Assert.True(cosine > 0.999, $"cosine {cosine}");
    }

    private static double Accuracy(ImageClassifier classifier, ImageStore images, int[] labels)
    {
        var logits = new float[images.Count * classifier.NumberOfClasses];
        classifier.Logits([.. Enumerable.Range(0, images.Count).Select(i => images[i])], logits);
        return Enumerable.Range(0, images.Count).Average(i =>
            System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(
                logits.AsSpan(i * classifier.NumberOfClasses, classifier.NumberOfClasses)) == labels[i] ? 1.0 : 0);
    }

    private static float[][] Embeddings(IDataView view) => [.. view.GetColumn<float[]>("Embedding")];

    private sealed class Row
    {
        [Microsoft.ML.Transforms.Image.ImageType(24, 24)]
        public MLImage? Image { get; set; }
    }
}
