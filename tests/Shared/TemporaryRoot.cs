using System.Runtime.CompilerServices;

namespace MLNet.Ssl.Tests;

/// <summary>The folder of temporary files of a test program and of the processes that it starts: it goes with the
/// program, and where that was killed, with the next one.</summary>
internal static class TemporaryRoot
{
    [ModuleInitializer]
    internal static void Use()
    {
        var root = HeldFolder.Create("mlnet-ssl-tests-");
        foreach (string name in new[] { "TMPDIR", "TMP", "TEMP" }) Environment.SetEnvironmentVariable(name, root.Path);
        // A runtime that is killed leaves its sockets.
        Environment.SetEnvironmentVariable("DOTNET_EnableDiagnostics", "0");
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            try
            {
                root.Dispose();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A process that outlives this one still writes; the next program deletes it.
            }
        };
    }
}
