using System.Runtime.InteropServices;

namespace MLNet.Ssl.Tensors;

/// <summary>Settings of the C library's allocator, from which libtorch takes its tensors on a processor.</summary>
internal static class NativeHeap
{
    private const int TrimThreshold = -1, MmapThreshold = -3;

    /// <summary>
    /// Lets the process keep blocks that a step frees for the next step. glibc gives blocks above 128 KiB back to the
    /// system at once and pays a page fault for every 4 KiB to get them again, a tenth of a training step. Other C
    /// libraries are left as they are.
    /// </summary>
    public static void KeepFreedBlocks()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = MallOpt(MmapThreshold, 32 << 20);
            _ = MallOpt(TrimThreshold, 512 << 20);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Not glibc.
        }
    }

    [DllImport("libc", EntryPoint = "mallopt")]
    private static extern int MallOpt(int parameter, int value);
}
