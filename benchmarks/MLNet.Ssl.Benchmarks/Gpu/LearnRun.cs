using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks.Gpu;

/// <summary>How much a method learns on CIFAR-10 in a given time: the encoder before and after.</summary>
internal static class LearnRun
{
    private static readonly BackboneOptions Vit =
        new VisionTransformerOptions { ImageSize = 32, PatchSize = 4, EmbeddingDimension = 192, Depth = 6, Heads = 3 };

    private static readonly BackboneOptions ResNet = ResNetOptions.ResNet18(ResNetStem.Small, 32);

    // What is not said is Auto's choice for so few images.
    private static readonly DinoOptions Dino = new() { Backbone = Vit, LocalCrops = 4, BatchSize = 128 };

    private static readonly MoCoOptions MoCo =
        new() { Backbone = ResNet, BatchSize = 128, LearningRate = 0.12, KeyMomentum = 0.99 };

    private static readonly MoCoV3Options MoCoV3 =
        new() { Backbone = ResNet, BatchSize = 128, Optimizer = OptimizerKind.Sgd, LearningRate = 0.12 };

    private static readonly ByolOptions Byol =
        new() { Backbone = ResNet, BatchSize = 128, Optimizer = OptimizerKind.Sgd, LearningRate = 0.12 };

    private static readonly SimClrOptions SimClr = new() { Backbone = ResNet, BatchSize = 128, LearningRate = 0.12 };

    private static readonly SimClrOptions NPair = SimClr with { Loss = SimClrLoss.NPair };

    private static readonly Dictionary<string, PretrainOptions> Cases = new()
    {
        ["DINO, ViT"] = Dino,
        ["DINO, ViT, SDMP"] = Dino with { Mixing = new SdmpOptions() },
        ["DINO, ViT, as published"] = Dino with
        {
            OutputDimension = 65_536,
            Centering = DinoCentering.Mean,
            TeacherMomentum = 0.996,
            LearningRate = 0.0005,
            Blur = true,
        },
        ["DINO, ResNet-18"] = Dino with { Backbone = ResNet, BatchNormInHead = true },
        ["MoCo v2, ResNet-18"] = MoCo,
        ["MoCo v2, ResNet-18, i-Mix"] = MoCo with { Mixing = new IMixOptions() },
        ["MoCo v3, ResNet-18"] = MoCoV3,
        ["MoCo v3, ResNet-18, SDMP"] = MoCoV3 with { Mixing = new SdmpOptions() },
        ["MoCo v3, ViT"] = new MoCoV3Options { Backbone = Vit, BatchSize = 128, LearningRate = 0.001 },
        ["BYOL, ResNet-18"] = Byol,
        ["SimCLR, ResNet-18"] = SimClr,
        ["N-pair, ResNet-18"] = NPair,
        ["N-pair, ResNet-18, i-Mix"] = NPair with { Mixing = new IMixOptions() },
    };

    public static Command Command()
    {
        var name = new Option<string>("--case") { Required = true };
        var seconds = new Option<double>("--seconds")
        {
            Description = "time for training; epochs follow from it",
            DefaultValueFactory = _ => 60
        };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1 };
        var threads = new Option<int>("--threads") { DefaultValueFactory = _ => 2 };
        var images = new Option<int>("--images") { DefaultValueFactory = _ => 10_000 };
        var tests = new Option<int>("--tests") { DefaultValueFactory = _ => 10_000 };
        var train = new Option<string?>("--train") { DefaultValueFactory = _ => Cifar10File.Find() };
        var test = new Option<string?>("--test") { DefaultValueFactory = _ => Cifar10File.FindTest() };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cuda" };
        var command =
            new Command("gpu-learn", "A method's kNN and linear accuracy before and after training for some time.")
        {
            name, seconds, seed, threads, images, tests, train, test, device,
        };
        command.SetAction(parsed => Console.WriteLine(Run(
            parsed.GetValue(name)!, parsed.GetValue(seconds), parsed.GetValue(seed), parsed.GetValue(threads),
            parsed.GetValue(images), parsed.GetValue(tests),
            parsed.GetValue(train)!, parsed.GetValue(test)!, torch.device(parsed.GetValue(device)!))));
        return command;
    }

    private static string Run(string name, double seconds, int seed, int threads, int images, int tests,
        string trainFile, string testFile, Device device)
    {
        var (train, trainLabels) = Cifar10File.Read(trainFile, images);
        var (test, testLabels) = Cifar10File.Read(testFile, tests);
        var options = Cases.GetValueOrDefault(name) ?? throw new ArgumentException(
            $"there is no case '{name}'; expected one of {string.Join("; ", Cases.Keys)}");
        options = options with { Seed = seed, Threads = threads };
        double TimeOf(int epochs)
        {
            var clock = Stopwatch.StartNew();
            Pretrainer.Fit(train, options with { Epochs = epochs }, device).Dispose();
            return clock.Elapsed.TotalSeconds;
        }
        // The first run has libtorch load and choose its kernels.
        TimeOf(1);
        double epoch = Math.Max(TimeOf(2) - TimeOf(1), 1e-3);
        int count = Math.Max(2, (int)(seconds / epoch));
        using var untrained = Pretrainer.Fit(train, options with { Epochs = 0 }, device);
        var (watch, last) = (Stopwatch.StartNew(), new Last());
        // Several runs on one GPU slow each other down, and then none may take all of the time.
        using var encoder = Pretrainer.Fit(
            train,
            options with { Epochs = count, MaxDuration = TimeSpan.FromSeconds(1.25 * seconds), Progress = last },
            device);
        double trained = watch.Elapsed.TotalSeconds, epochs = count * last.Share;
        var before = ResultRun.Accuracies(untrained, train, trainLabels, test, testLabels);
        var after = ResultRun.Accuracies(encoder, train, trainLabels, test, testLabels);
        return JsonSerializer.Serialize(new
        {
            name,
            epochs,
            epochs_planned = count,
            seed,
            train.Count,
            seconds = trained,
            images_per_second = epochs * train.Count / trained,
            knn_before = before.Knn,
            knn = after.Knn,
            linear_before = before.Linear,
            linear = after.Linear,
        });
    }

    /// <summary>How much of a run was done when it last told.</summary>
    private sealed class Last : IProgress<TrainingProgress>
    {
        public double Share { get; private set; }

        public void Report(TrainingProgress value) => Share = (double)value.Step / value.TotalSteps;
    }
}
