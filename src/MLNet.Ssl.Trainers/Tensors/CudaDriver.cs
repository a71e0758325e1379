using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>What TorchSharp does not tell of a GPU, by the driver's own C functions.</summary>
internal static class CudaDriver
{
    private const int MajorOfComputeCapability = 75;

    private delegate int Initialize(uint flags);

    private delegate int GetDevice(out int device, int ordinal);

    private delegate int GetAttribute(out int value, int attribute, int device);

    /// <summary>Whether the device multiplies bfloat16 by units of its own: NVIDIA's of
    /// compute capability 8.0 and up.</summary>
    /// <returns>False for a processor, and where the driver does not answer.</returns>
    public static bool HasBFloat16(Device device)
    {
        if (device.type != DeviceType.CUDA) return false;
        if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint driver))
            return false;
        return Function<Initialize>(driver, "cuInit") is { } initialize
            && Function<GetDevice>(driver, "cuDeviceGet") is { } getDevice
            && Function<GetAttribute>(driver, "cuDeviceGetAttribute") is { } getAttribute
            && initialize(0) == 0
            && getDevice(out int handle, Math.Max(0, device.index)) == 0
            && getAttribute(out int major, MajorOfComputeCapability, handle) == 0
            && major >= 8;
    }

    private static T? Function<T>(nint library, string name) where T : Delegate =>
        NativeLibrary.TryGetExport(library, name, out nint address) ? Marshal.GetDelegateForFunctionPointer<T>(address)
            : null;
}
