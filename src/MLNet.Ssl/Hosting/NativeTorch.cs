using TorchSharp;

namespace MLNet.Ssl.Hosting;

/// <summary>The native half of TorchSharp, which is in packages of its own and is not referenced here.</summary>
internal static class NativeTorch
{
    private static readonly Lazy<InvalidOperationException?> Missing = new(() =>
    {
        try
        {
            torch.empty(0).Dispose();
            return null;
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or NotSupportedException)
        {
            return new(
                "libtorch is not there: add exactly one of the packages TorchSharp-cpu, TorchSharp-cuda-linux and "
                + $"TorchSharp-cuda-windows to the program's project. ({e.GetBaseException().Message.Split('\n')[0].Trim()})", e);
        }
    });

    /// <summary>Loads the library, before anything that takes time.</summary>
    /// <exception cref="InvalidOperationException">It is not there; the message names the packages.</exception>
    public static void Require()
    {
        if (Missing.Value is { } error) throw new InvalidOperationException(error.Message, error.InnerException);
    }
}
