using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>One training step of every published network at its real size, each in a process of its own:
/// some have died in libtorch.</summary>
[Collection(nameof(Alone))]
public sealed class RealSizeTests
{
    public static IReadOnlyDictionary<string, BackboneOptions> Networks { get; } =
        new Dictionary<string, BackboneOptions>
        {
            ["ResNet-18"] = ResNetOptions.ResNet18(),
            ["ResNet-34"] = ResNetOptions.ResNet34(),
            ["ResNet-50"] = ResNetOptions.ResNet50(),
            ["ResNet-101"] = ResNetOptions.ResNet101(),
            ["ResNet-152"] = ResNetOptions.ResNet152(),
            ["ResNet-50, double width"] = ResNetOptions.SimClrV2(50, 2),
            ["ResNet-101, double width"] = ResNetOptions.SimClrV2(101, 2),
            ["ResNet-152, double width"] = ResNetOptions.SimClrV2(152, 2),
            ["ResNet-50, selective kernels"] = ResNetOptions.SimClrV2(50, 1, selectiveKernels: true),
            ["ResNet-152, double width, selective kernels"] = ResNetOptions.SimClrV2(152, 2, selectiveKernels: true),
            ["ViT-S/16"] = VisionTransformerOptions.Small(),
            ["ViT-S, convolutional stem"] = VisionTransformerOptions.MoCoV3ConvSmall(),
        };

    public static TheoryData<string> Names => [.. Networks.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void AStepOfTrainingLeavesAFiniteNetwork(string name) =>
        TrainingProcess.MustSucceed(TrainingProcess.Command("step", name));

    /// <summary>A step on two images, in this process; 0 if the loss and every parameter are finite
    /// and the parameters moved.</summary>
    internal static int Step(string name)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var network = Networks[name].Create(generator);
        using var parameters = new FlatParameters(network);
        using var gradients = new GradientBuffer(parameters);
        using var optimizer = new Sgd();
        network.train();
        using var random = ForwardRandom.Use(generator);
        var features = network.call(randn([2, 3, 224, 224], generator: generator));
        gradients.Backward((features * randn(features.shape, generator: generator)).mean());
        bool moved = true;
        for (int i = 0; i < gradients.Groups.Count; i++)
        {
            moved &= gradients.Flat[i].abs().max().item<float>() > 0;
            optimizer.Step(gradients.Groups[i], gradients.Flat[i], 0.01, 0);
        }
        bool finite = features.isfinite().all().item<bool>()
            && gradients.Groups.All(g => g.Values.isfinite().all().item<bool>());
        return finite && moved ? 0 : 3;
    }
}
