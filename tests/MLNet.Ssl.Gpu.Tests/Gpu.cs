using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>The GPU that these tests need; without one they skip, saying so.</summary>
internal static class Gpu
{
    public static Device Device
    {
        get
        {
            Assert.SkipUnless(cuda.is_available(),
                "there is no CUDA device, or TorchSharp's native library here is the processor's.");
            return new(DeviceType.CUDA, 0);
        }
    }
}
