using TorchSharp;
using static TorchSharp.torch;

// TF32 is the process's, and of runs at a time the strictest decides: beside one in single precision, a run in another
// precision does not end in the same bits again.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace MLNet.Ssl.Tests;

/// <summary>The GPU that these tests need. Without one they skip, saying so, or with
/// <c>MLNETSSL_PRETEND_GPU=1</c> try themselves on a pretended one.</summary>
internal static class Gpu
{
    /// <summary>Whether it is none.</summary>
    public static bool IsPretended { get; } =
        !cuda.is_available() && Environment.GetEnvironmentVariable("MLNETSSL_PRETEND_GPU") == "1";

    public static Device Device
    {
        get
        {
            if (IsPretended) return PretendDevice.Device;
            Assert.SkipUnless(cuda.is_available(),
                "there is no CUDA device, or TorchSharp's native library here is the processor's.");
            return new(DeviceType.CUDA, 0);
        }
    }
}
