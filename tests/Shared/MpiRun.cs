using System.Diagnostics;

namespace MLNet.Ssl.Tests;

/// <summary>Programs that an MPI launcher starts several times on this machine.</summary>
internal static class MpiRun
{
    /// <summary>How a launcher starts a program; the test is skipped where there is no such launcher.</summary>
    /// <param name="launcher">mpirun.openmpi or mpirun.mpich.</param>
    /// <param name="ranks">How often.</param>
    /// <param name="program">The program and its arguments.</param>
    public static ProcessStartInfo Command(string launcher, int ranks, params IEnumerable<string> program)
    {
        bool found = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, launcher)));
        Assert.SkipUnless(found, $"{launcher} is not installed (Debian and Ubuntu: "
            + $"{(launcher.EndsWith("mpich") ? "mpich" : "openmpi-bin")}).");
        var start = new ProcessStartInfo(launcher, ["-n", $"{ranks}", .. program])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        // As --allow-run-as-root, --oversubscribe and --bind-to none, which MPICH does not know.
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        start.Environment["OMPI_MCA_rmaps_base_oversubscribe"] = "1";
        start.Environment["OMPI_MCA_hwloc_base_binding_policy"] = "none";
        // The last two by their names since Open MPI 5.
        start.Environment["PRTE_MCA_rmaps_default_mapping_policy"] = ":oversubscribe";
        start.Environment["PRTE_MCA_hwloc_default_binding_policy"] = "none";
        return start;
    }

    /// <summary>Runs it to its end.</summary>
    public static (int Exit, string Output, string Errors) ToItsEnd(ProcessStartInfo command)
    {
        using var process = Process.Start(command)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }
}
