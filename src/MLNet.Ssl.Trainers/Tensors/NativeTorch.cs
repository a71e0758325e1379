using System.Runtime.InteropServices;
using TorchSharp;

namespace MLNet.Ssl.Tensors;

/// <summary>The native half of TorchSharp, which is in packages of its own and is not referenced here.</summary>
internal static class NativeTorch
{
    private static readonly Lazy<string?> Problem = new(() =>
    {
        try
        {
            torch.empty(0).Dispose();
            return null;
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or NotSupportedException)
        {
            return Explain();
        }
    });

    /// <summary>Loads the library, before anything that takes time.</summary>
    /// <exception cref="InvalidOperationException">It is not there, and the message names the packages; or it cannot be
    /// loaded, and the message says why.</exception>
    public static void Require()
    {
        // TorchSharp's own exception has a page of its search in it, which it has printed already.
        if (Problem.Value is { } problem) throw new InvalidOperationException(problem);
    }

    /// <summary>TorchSharp says of every failure that a package is missing; the loader knows better.</summary>
    private static string Explain()
    {
        string? refusal = Refusal("torch_cpu") ?? Refusal("LibTorchSharp");
        return refusal is null
            ? "libtorch is not there: add exactly one of the packages TorchSharp-cpu, TorchSharp-cuda-linux and "
                + "TorchSharp-cuda-windows to the program's project."
            : $"libtorch is there but cannot be loaded: {refusal}"
                + (refusal.Contains("GLIBCXX", StringComparison.Ordinal)
                    ? " (it needs the C++ library of GCC 13 or newer: libstdc++6 of Debian 13 or Ubuntu 24.04)." : "");
    }

    /// <summary>What is wrong with a library that is there; null where nothing is, or it is not there.</summary>
    private static string? Refusal(string library)
    {
        try
        {
            NativeLibrary.Load(library, typeof(torch).Assembly, null);
            return null;
        }
        catch (DllNotFoundException e)
        {
            // A line for each place that was looked at; those that have no such file say just that. LibTorchSharp comes
            // without libtorch, and says then that it lacks it.
            return e.Message.Split('\n').Skip(1).Select(line => line.Trim()).FirstOrDefault(line => line.Length > 0
                && !line.Contains("No such file", StringComparison.OrdinalIgnoreCase)
                && !line.Contains("could not be found", StringComparison.Ordinal));
        }
        catch (BadImageFormatException e)
        {
            return e.Message;
        }
    }
}
