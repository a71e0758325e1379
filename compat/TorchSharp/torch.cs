namespace TorchSharp;

public static partial class torch
{
    public static string __version__ => Native.Version;

    /// <summary>Intra-operator threads of the calling thread.</summary>
    public static void set_num_threads(int num) => Native.Check(Native.ts_set_num_threads(num));
    public static int get_num_threads() => Native.ts_num_threads();
    public static void set_num_interop_threads(int num) => Native.Check(Native.ts_set_num_interop_threads(num));
    public static int get_num_interop_threads() => Native.ts_num_interop_threads();

    public static bool are_deterministic_algorithms_enabled() => Native.Check(Native.ts_switch(2, -1)) != 0;

    public enum RoundingMode
    {
        None = 0,
        trunc = 1,
        floor = 2,
    }

    private static string Name(RoundingMode mode) => mode == RoundingMode.None ? null : mode.ToString();
}
