namespace MLNet.Ssl.Benchmarks.Gpu;

/// <summary>Training at the size that papers have it, on photos: what a GPU is measured with.</summary>
internal sealed record GpuCase(string Name, PretrainOptions Options)
{
    private const int StepsPerEpoch = 1000;

    public static readonly GpuCase[] All =
    [
        new("dino-vit-s16", new DinoOptions
        {
            Backbone = VisionTransformerOptions.Small(16),
            ImageSize = 224,
            LocalSize = 96,
            OutputDimension = 65_536,
            TeacherMomentum = 0.996,
            Centering = DinoCentering.Mean,
            LearningRate = 0.0005,
            FreezeLastLayerEpochs = 0,
        }),
        new("moco-resnet50", new MoCoOptions
        {
            Backbone = ResNetOptions.ResNet50(),
            ImageSize = 224,
            QueueLength = 65_536,
            BatchNormGroups = 1,
        }),
        new("simclr-resnet18", new SimClrOptions { Backbone = ResNetOptions.ResNet18(), ImageSize = 224 }),
    ];

    public static GpuCase Named(string name) => All.FirstOrDefault(c => c.Name == name)
        ?? throw new ArgumentException(
            $"there is no case '{name}'; expected one of {string.Join(", ", All.Select(c => c.Name))}");

    /// <summary>The run that its steps are those of.</summary>
    public PretrainPlan Plan(int batch, int threads, Precision precision) => PretrainPlan.Of(
        Options with
        {
            BatchSize = batch,
            Threads = threads,
            Precision = precision,
            Epochs = 10,
            WarmupEpochs = 0,
            Seed = 1
        },
        new(batch * StepsPerEpoch, 375, threads), new());

    public StepClock Clock => new(0, StepsPerEpoch, 10);
}
