using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>Debian's libtorch multiplies matrices with whatever BLAS the system offers.</summary>
internal static class Blas
{
    private static readonly string[] _names = ["libopenblas.so.0", "libblas.so.3", "liblapack.so.3"];

    /// <summary>
    /// Before libtorch loads: takes the OpenMP build of OpenBLAS where it is installed, because the others ignore <c>torch.set_num_threads</c>,
    /// and warns where only the reference BLAS is left.
    /// </summary>
    internal static void Prepare()
    {
        try
        {
            foreach (var folder in Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu"))
            {
                // The loader takes a library of the same name that is already there for the one that the system's links choose.
                if (_names.All(name => NativeLibrary.TryLoad(Path.Combine(folder, "openblas-openmp", name), out _))) return;
                var library = Path.Combine(folder, "libblas.so.3");
                if (File.Exists(library) && IsReference(Resolve(library)))
                    Console.Error.WriteLine("warning: libtorch runs on the reference BLAS, 20-30 times slower than OpenBLAS; install libopenblas0-openmp");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    internal static bool IsReference(string resolved) => resolved.Contains("/blas/", StringComparison.Ordinal);

    private static string Resolve(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
}
