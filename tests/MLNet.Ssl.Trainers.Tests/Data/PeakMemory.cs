namespace MLNet.Ssl.Tests;

/// <summary>The most memory that this process has held, in bytes; a test that asks elsewhere than on Linux is
/// skipped.</summary>
internal static class PeakMemory
{
    /// <summary>Forgets the peak so far.</summary>
    /// <returns>What the process holds now.</returns>
    public static long Reset()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells the peak of a process's memory");
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Assert.SkipWhen(true, "the peak cannot be reset here: " + e.Message);
        }
        return Read();
    }

    public static long Read() =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").First(line =>
            line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
}
