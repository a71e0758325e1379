namespace TorchSharp;

/// <summary>Debian's libtorch multiplies matrices with whatever BLAS the system offers; the reference one is 20-30 times slower.</summary>
internal static class Blas
{
    internal static void WarnIfReference()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            var target = Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu")
                .Select(folder => Path.Combine(folder, "libblas.so.3")).Where(File.Exists).Select(Resolve).FirstOrDefault();
            if (target is not null && IsReference(target))
                Console.Error.WriteLine("warning: libtorch runs on the reference BLAS, 20-30 times slower than OpenBLAS; install libopenblas0-openmp");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    internal static bool IsReference(string resolved) => resolved.Contains("/blas/", StringComparison.Ordinal);

    // File.ResolveLinkTarget does not follow links that sit in the middle of a chain of relative ones reliably: walk them.
    private static string Resolve(string path)
    {
        for (int i = 0; i < 16 && new FileInfo(path).LinkTarget is { } target; i++)
            path = Path.GetFullPath(target, Path.GetDirectoryName(path));
        return path;
    }
}
