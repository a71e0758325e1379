namespace MLNet.Ssl.Benchmarks;

/// <summary>A training run that both sides do alike: batches of 64 CIFAR-10 images, everything else as the
/// official code has it by default.</summary>
internal sealed record BenchmarkCase(string Name, PretrainOptions Options)
{
    public const int Batch = 64, ImageSize = 32, StepsPerEpoch = 156;

    public static readonly BenchmarkCase[] All =
        [Dino("dino-vit-192x6", 192, 6), Dino("dino-vit-96x4", 96, 4), SimClr("simclr-resnet18-w16", 16)];

    public static BenchmarkCase Named(string name) => All.FirstOrDefault(c => c.Name == name)
        ?? throw new ArgumentException(
            $"there is no case '{name}'; expected one of {string.Join(", ", All.Select(c => c.Name))}");

    /// <summary>The options, complete. The comparison of losses has no warm-up, trains the last
    /// layer and drops no path.</summary>
    public PretrainOptions Resolved(int threads, bool compareLosses)
    {
        var options = Options with { Threads = threads };
        if (compareLosses)
        {
            options = options with { WarmupEpochs = 0 };
            options = options switch
            {
                DinoOptions dino => dino with { DropPathRate = 0, FreezeLastLayerEpochs = 0 },
                // At its usual rate SimCLR is chaotic in single precision: PyTorch in double differs from PyTorch
                // in single by 1e-2 after five steps.
                SimClrOptions simClr => simClr with { LearningRate = 1.2e-4 },
                _ => options,
            };
        }
        var facts = new DataFacts(Batch * StepsPerEpoch, ImageSize, threads);
        return options.Resolve(facts, []);
    }

    /// <summary>What the twin has to know of the options, under its names.</summary>
    public static Dictionary<string, double> ForTwin(PretrainOptions options)
    {
        double rate = options.LearningRate!.Value * Batch / 256;
        var twin = new Dictionary<string, double>
        {
            ["steps_per_epoch"] = StepsPerEpoch,
            ["epochs"] = options.Epochs,
            ["warmup_epochs"] = options.WarmupEpochs!.Value,
        };
        if (options is DinoOptions dino)
        {
            twin["lr"] = rate;
            twin["min_lr"] = dino.MinLearningRate;
            twin["drop_path"] = dino.DropPathRate;
            twin["freeze_epochs"] = dino.FreezeLastLayerEpochs!.Value;
            twin["clip"] = dino.ClipGradient;
            twin["student_temp"] = dino.StudentTemperature;
            twin["teacher_temp"] = dino.TeacherTemperature;
            twin["center_momentum"] = dino.CenterMomentum;
            twin["teacher_momentum"] = dino.TeacherMomentum!.Value;
            twin["weight_decay"] = dino.WeightDecay;
            twin["weight_decay_end"] = dino.WeightDecayEnd;
        }
        else if (options is SimClrOptions simClr)
        {
            twin["sgd_lr"] = rate;
            twin["sgd_weight_decay"] = simClr.WeightDecay;
            twin["temperature"] = simClr.Temperature!.Value;
        }
        return twin;
    }

    private static BenchmarkCase Dino(string name, int width, int depth) => new(name, new DinoOptions
    {
        Backbone = new VisionTransformerOptions
        {
            PatchSize = 4,
            EmbeddingDimension = width,
            Depth = depth,
            Heads = 3,
            ImageSize = ImageSize
        },
        Epochs = 100,
        WarmupEpochs = 10,
        BatchSize = Batch,
        ImageSize = ImageSize,
        LocalCrops = 4,
        LocalSize = 16,
        // As the official code, whose twin it is compared with.
        Blur = true,
        OutputDimension = 1024,
        TeacherMomentum = 0.996,
        Centering = DinoCentering.Mean,
        FreezeLastLayerEpochs = 1,
        LearningRate = 0.0005,
        Seed = 1,
    });

    private static BenchmarkCase SimClr(string name, int width) => new(name, new SimClrOptions
    {
        Backbone = ResNetOptions.ResNet18(ResNetStem.Small, width),
        Epochs = 100,
        WarmupEpochs = 10,
        BatchSize = Batch,
        ImageSize = ImageSize,
        Optimizer = OptimizerKind.Sgd,
        Seed = 1,
    });
}
