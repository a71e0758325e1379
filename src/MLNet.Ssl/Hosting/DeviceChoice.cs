using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace MLNet.Ssl.Hosting;

internal static class DeviceChoice
{
    /// <summary>
    /// The device that the context asks for, as ML.NET's own GPU components choose it: none asked for is the CPU.
    /// </summary>
    public static torch.Device Of(MLContext context, IChannel channel)
    {
        if (context.GpuDeviceId is not { } id) return torch.CPU;
        int count = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (id >= 0 && id < count) return new torch.Device(DeviceType.CUDA, id);
        string problem =
            $"MLContext.GpuDeviceId is {id}, but "
                + $"{(count == 0 ? "no CUDA device is available" : $"there are {count} CUDA devices, from 0")}";
        if (!context.FallbackToCpu)
            throw new InvalidOperationException(
                $"{problem}. Set it to null for the CPU, or MLContext.FallbackToCpu to use the CPU in such a case.");
        channel.Warning(MessageSensitivity.None, $"{problem}; the CPU is used.");
        return torch.CPU;
    }
}
