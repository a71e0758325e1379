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

    private static readonly DinoOptions Published =
        new() { Backbone = Vit, LocalCrops = 4, BatchSize = 128, Blur = true };

    private static readonly DinoOptions Sharp =
        Published with { Blur = false, LearningRate = 0.002, WeightDecayEnd = 0.04 };

    private static readonly Dictionary<string, PretrainOptions> Cases = new()
    {
        ["DINO, ViT, as published"] = Published,
        ["DINO, ViT, no blur"] = Published with { Blur = false },
        ["DINO, ViT, no blur, rate 0.002, decay 0.04"] = Sharp,
        ["DINO, ViT, so, crops 0.25"] = Sharp with { GlobalScale = (0.25, 1), LocalScale = (0.05, 0.25) },
        ["DINO, ViT, so, EMA 0.996"] = Sharp with { TeacherMomentum = 0.996 },
        ["DINO, ViT, so, no drop path, teacher 0.02"] =
            Sharp with { DropPathRate = 0, TeacherTemperature = 0.02, WarmupTeacherTemperature = 0.02 },
        ["DINO, ResNet-18, so"] = Sharp with { Backbone = ResNet, BatchNormInHead = true },
        ["MoCo v2, ResNet-18"] =
            new MoCoOptions { Backbone = ResNet, BatchSize = 128, LearningRate = 0.12, KeyMomentum = 0.99 },
        ["MoCo v2, ResNet-18, i-Mix"] = new MoCoOptions
        {
            Backbone = ResNet,
            BatchSize = 128,
            LearningRate = 0.12,
            KeyMomentum = 0.99,
            Mixing = new IMixOptions()
        },
        ["MoCo v3, ResNet-18"] = new MoCoV3Options
        {
            Backbone = ResNet,
            BatchSize = 128,
            Optimizer = OptimizerKind.Sgd,
            LearningRate = 0.12
        },
        ["MoCo v3, ViT"] = new MoCoV3Options { Backbone = Vit, BatchSize = 128, LearningRate = 0.001 },
        ["BYOL, ResNet-18"] =
            new ByolOptions { Backbone = ResNet, BatchSize = 128, Optimizer = OptimizerKind.Sgd, LearningRate = 0.12 },
        ["SimCLR, ResNet-18"] = new SimClrOptions { Backbone = ResNet, BatchSize = 128, LearningRate = 0.12 },
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
        var options = Cases[name] with { Seed = seed, Threads = threads };
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
        var watch = Stopwatch.StartNew();
        // Several runs on one GPU slow each other down, and then none may take all of the time.
        using var encoder = Pretrainer.Fit(
            train, options with { Epochs = count, MaxDuration = TimeSpan.FromSeconds(1.25 * seconds) }, device);
        double trained = watch.Elapsed.TotalSeconds;
        var before = ResultRun.Accuracies(untrained, train, trainLabels, test, testLabels);
        var after = ResultRun.Accuracies(encoder, train, trainLabels, test, testLabels);
        return JsonSerializer.Serialize(new
        {
            name,
            epochs = count,
            seed,
            train.Count,
            seconds = trained,
            images_per_second = (double)count * train.Count / trained,
            knn_before = before.Knn,
            knn = after.Knn,
            linear_before = before.Linear,
            linear = after.Linear,
        });
    }
}
