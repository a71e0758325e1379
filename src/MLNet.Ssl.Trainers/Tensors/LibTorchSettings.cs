using System.Runtime.InteropServices;

namespace MLNet.Ssl.Tensors;

/// <summary>Settings of libtorch that TorchSharp does not pass on, by the library's exported functions.</summary>
internal static class LibTorchSettings
{
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint GlobalContext();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void SetEnabled(nint context, byte enabled);

    /// <summary>
    /// Switches NNPACK off, which on processors that it does not know writes a warning to the standard error for every
    /// convolution of a small batch. Where the functions are not to be found, nothing changes.
    /// </summary>
    public static void DisableNnpack()
    {
        // The names as GCC mangles them; after a call of TorchSharp's the library is loaded, and is found by its name
        // alone.
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libtorch_cpu.so", out nint library)) return;
        if (!NativeLibrary.TryGetExport(library, "_ZN2at13globalContextEv", out nint context)
            || !NativeLibrary.TryGetExport(library, "_ZN2at7Context20setUserEnabledNNPACKEb",
                out nint setEnabled)) return;
        nint global = Marshal.GetDelegateForFunctionPointer<GlobalContext>(context)();
        Marshal.GetDelegateForFunctionPointer<SetEnabled>(setEnabled)(global, 0);
    }
}
