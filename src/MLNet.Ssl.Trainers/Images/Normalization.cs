using System.Runtime.Intrinsics;
using MLNet.Ssl.Images;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Per-channel standardisation of pixels in [0, 1]: (value/255 − mean) / std.</summary>
/// <param name="Mean">Mean of red, green and blue, in [0, 1].</param>
/// <param name="Std">Standard deviation of red, green and blue, above 0.</param>
public sealed record Normalization((float Red, float Green, float Blue) Mean, (float Red, float Green, float Blue) Std)
{
    /// <summary>Statistics of ImageNet, the usual choice for photographs.</summary>
    public static Normalization ImageNet { get; } = new((0.485f, 0.456f, 0.406f), (0.229f, 0.224f, 0.225f));

    /// <summary>Statistics of CIFAR-10 as the i-Mix code uses them.</summary>
    public static Normalization Cifar10 { get; } = new((0.4914f, 0.4822f, 0.4465f), (0.2023f, 0.1994f, 0.2010f));

    /// <summary>Statistics of CIFAR-100 as the i-Mix code uses them.</summary>
    public static Normalization Cifar100 { get; } = new((0.5071f, 0.4865f, 0.4409f), (0.2009f, 0.1984f, 0.2023f));

    /// <summary>No standardisation: pixels stay in [0, 1], as SimCLR trains.</summary>
    public static Normalization None { get; } = new((0, 0, 0), (1, 1, 1));

    internal void Validate()
    {
        for (int channel = 0; channel < 3; channel++)
        {
            Check.InRange(Of(Mean, channel), 0, 1, $"Normalization.Mean[{channel}]");
            Check.InRange(Of(Std, channel), 1e-6, float.MaxValue, $"Normalization.Std[{channel}]");
        }
    }

    /// <summary>Writes <paramref name="image"/> as float32 planes (3, height, width).</summary>
    internal void Apply(PlanarImage image, Span<float> chw)
    {
        int pixels = image.Width * image.Height;
        for (int channel = 0; channel < 3; channel++)
            Apply(image.Plane(channel), chw.Slice(channel * pixels, pixels), Of(Mean, channel), Of(Std, channel));
    }

    /// <summary>The same of uint8 images (N, 3, H, W), on their device.</summary>
    internal Tensor Apply(Tensor images)
    {
        Tensor PerChannel(Func<float, float, double> value) => NativeTensor.On(
            images.device, [.. Enumerable.Range(0, 3).Select(c => (float)value(Of(Mean, c), Of(Std, c)))])
                .view(1, 3, 1, 1);
        return PerChannel((mean, std) => -mean / std)
            .AddCMul(images.to(ScalarType.Float32), PerChannel((_, std) => 1 / (255.0 * std)));
    }

    private static void Apply(ReadOnlySpan<byte> plane, Span<float> result, float mean, float std)
    {
        int i = 0;
        for (; i + Lanes.Count <= result.Length; i += Lanes.Count)
            ((Lanes.LoadSingle(plane, i) / 255f - Lanes.Of(mean)) / std).CopyTo(result[i..]);
        for (; i < result.Length; i++)
            result[i] = (plane[i] / 255f - mean) / std;
    }

    private static float Of((float Red, float Green, float Blue) value, int channel) =>
        channel switch { 0 => value.Red, 1 => value.Green, _ => value.Blue };
}
