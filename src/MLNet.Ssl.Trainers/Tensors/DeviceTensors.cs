using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>Constants that are brought to a device when they are first asked for there, and stay.
/// Thread-safe.</summary>
/// <param name="make">Makes them on a device.</param>
internal sealed class DeviceTensors(Func<Device, Tensor[]> make) : IDisposable
{
    private readonly ConcurrentDictionary<(DeviceType, int), Lazy<Tensor[]>> _made = [];

    /// <summary>Those of a device.</summary>
    public Tensor[] On(Device device) =>
        _made.GetOrAdd((device.type, device.index), _ => new(() => Make(device))).Value;

    /// <summary>Releases them on all devices.</summary>
    public void Dispose()
    {
        foreach (var made in _made.Values)
            foreach (var tensor in made.Value) tensor.Dispose();
        _made.Clear();
    }

    private Tensor[] Make(Device device)
    {
        // Made in a pass of inference, they could be in no other.
        using var mode = inference_mode(false);
        using var scope = NewDisposeScope();
        return Array.ConvertAll(make(device), tensor => tensor.DetachFromDisposeScope());
    }
}
