using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Networks;

/// <summary>A module whose parameters stay in single precision when the network around
/// it computes in bfloat16.</summary>
/// <remarks>TorchSharp's own modules with running statistics need no mark.</remarks>
public interface IKeepsSinglePrecision;

/// <summary>
/// Networks that compute in bfloat16. Where they are trained, each bfloat16 parameter is the shadow of a master in
/// single precision, which alone is moved, averaged and saved.
/// </summary>
internal static class MixedPrecision
{
    private static readonly ConditionalWeakTable<Tensor, Tensor> Masters = [];
    private static readonly ConditionalWeakTable<Tensor, Tensor> Shadows = [];

    /// <summary>
    /// Puts the parameters of a network into bfloat16, but for those of batch norms and of modules that keep single
    /// precision. Replaces the network's parameters.
    /// </summary>
    /// <returns>What they and the buffers were, by state-dict name; the caller's dispose scope has them.</returns>
    public static IReadOnlyDictionary<string, Tensor> ToBFloat16(nn.Module network)
    {
        using var noGrad = no_grad();
        var before = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());
        network.to(ScalarType.BFloat16);
        foreach (var module in network.modules())
            if (Keeps(module)) module.to(ScalarType.Float32);
        Fill(network, before);
        return before;
    }

    /// <summary>Puts a network whose parameters are shadows back into single precision,
    /// with its masters' values.</summary>
    public static void ToSinglePrecision(nn.Module network)
    {
        if (!network.parameters().Any(parameter => Masters.TryGetValue(parameter, out _))) return;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var weights = network.Weights().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        network.to(ScalarType.Float32);
        Fill(network, weights);
    }

    /// <summary>Makes a parameter the shadow of a master, which is what
    /// <see cref="Weights"/> answers from then on.</summary>
    public static void Shadow(Parameter shadow, Tensor master)
    {
        Masters.Add(shadow, master);
        Shadows.Add(master, shadow);
    }

    /// <summary>The state dict with masters in the place of their shadows: what a network has learned.</summary>
    public static Dictionary<string, Tensor> Weights(this nn.Module network) => network.state_dict().ToDictionary(
        entry => entry.Key, entry => Masters.TryGetValue(entry.Value, out var master) ? master : entry.Value);

    /// <summary>Rounds masters that were written to into their shadows.</summary>
    public static void Refresh(IEnumerable<Tensor> masters)
    {
        using var noGrad = no_grad();
        foreach (var master in masters)
            if (Shadows.TryGetValue(master, out var shadow)) shadow.copy_(master);
    }

    private static void Fill(nn.Module network, IReadOnlyDictionary<string, Tensor> weights)
    {
        foreach (var (name, value) in network.state_dict()) value.copy_(weights[name]);
        // A network outlives the scope that it is changed in.
        foreach (var parameter in network.parameters()) parameter.DetachFromDisposeScope();
        foreach (var buffer in network.buffers()) buffer.DetachFromDisposeScope();
    }

    private static bool Keeps(nn.Module module) =>
        module is IKeepsSinglePrecision
            || module.named_buffers(recurse: false).Any(buffer => buffer.name == "running_mean");
}
