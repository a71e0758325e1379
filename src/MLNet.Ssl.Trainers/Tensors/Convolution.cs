using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Tensors;

/// <summary>
/// libtorch's convolution, in forms that oneDNN 3.7, which libtorch 2.10 carries for processors, computes right.
/// </summary>
internal static class Convolution
{
    // Channels of oneDNN's blocked layout with AVX-512.
    private const long Block = 16;

    static Convolution() => LibTorchSettings.DisableNnpack();

    /// <summary>
    /// Cross-correlation of x (B,C,H,W) with weights (outputs,C,k,k), the same stride and padding along both sides.
    /// </summary>
    /// <remarks>
    /// On a processor with AVX-512 oneDNN's gradients by the input are wrong where the outputs are no multiple of 16,
    /// and its results where the inputs are more than 16 and none: both are filled up with zeros. The gradient of a
    /// strided 1×1 convolution of 512 channels or more divides by zero: what the stride leaves out is cut away first,
    /// which is the same and no slower.
    /// </remarks>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias, long stride, long padding)
    {
        long outputs = weight.size(0), inputs = weight.size(1);
        if (stride > 1 && weight.size(2) == 1)
        {
            x = x.slice(2, 0, x.size(2), stride).slice(3, 0, x.size(3), stride);
            stride = 1;
        }
        long moreOutputs = 0, moreInputs = 0;
        if (x.device_type == DeviceType.CPU)
        {
            moreOutputs = -outputs & Block - 1;
            moreInputs = inputs > Block ? -inputs & Block - 1 : 0;
        }
        if (moreInputs > 0) x = functional.pad(x, [0, 0, 0, 0, 0, moreInputs]);
        if (moreInputs + moreOutputs > 0) weight = functional.pad(weight, [0, 0, 0, 0, 0, moreInputs, 0, moreOutputs]);
        if (moreOutputs > 0 && bias is not null) bias = functional.pad(bias, [0, moreOutputs]);
        var result = functional.conv2d(x, weight, bias, [stride, stride], [padding, padding]);
        return moreOutputs > 0 ? result.narrow(1, 0, outputs) : result;
    }

    /// <summary>Cross-correlation of every channel of x (B,C,H,W) with its own kernel (C,1,k,k), of stride 1.</summary>
    public static Tensor Depthwise(Tensor x, Tensor weight, Tensor bias, long padding)
    {
        long channels = weight.size(0), more = x.device_type == DeviceType.CPU ? -channels & Block - 1 : 0;
        if (more > 0)
        {
            x = functional.pad(x, [0, 0, 0, 0, 0, more]);
            weight = functional.pad(weight, [0, 0, 0, 0, 0, 0, 0, more]);
            bias = functional.pad(bias, [0, more]);
        }
        var result =
            functional.conv2d(x, weight, bias, strides: [1, 1], padding: [padding, padding], groups: channels + more);
        return more > 0 ? result.narrow(1, 0, channels) : result;
    }
}
