using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Fetches libtorch, which is not in the tool's package, through the .NET SDK from the user's NuGet
/// sources.</summary>
internal static class SetupCommand
{
    private const string Examples = """
        Examples:
          mlssl setup                          for the processor: 0.5 GB on Linux
          mlssl setup --backend cuda-linux     for a GPU

        The packages TorchSharp-cpu, TorchSharp-cuda-linux and TorchSharp-cuda-windows come from the NuGet sources of
        the .NET SDK that the tool was installed with, or from its cache of packages; their libraries are linked or
        copied to the folder that the last line names. In place of it, the variable MLNETSSL_LIBTORCH may name a folder
        that has them.
        """;

    public static Command Create(Session session)
    {
        var backend = new Option<string>("--backend")
        {
            Description = "Where networks are computed",
            DefaultValueFactory = _ => "cpu",
        };
        backend.AcceptOnlyFromAmong([.. TorchLibrary.Backends]);
        var command = new TaughtCommand("setup", "Fetch libtorch, once.", Examples) { backend };
        var common = new CommonFlags(command, computes: false);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            string name = parsed.GetValue(backend)!, folder = TorchLibrary.FolderOf(name);
            if (!TorchLibrary.IsIn(folder)) Fetch(session, name, folder);
            session.Result($"libtorch is in {folder}", new
            {
                @event = "done",
                output = folder,
                backend = name,
                torchSharp = TorchLibrary.Version
            });
            return ExitCode.Done;
        });
        return command;
    }

    private static void Fetch(Session session, string backend, string folder)
    {
        string package = $"TorchSharp-{backend}";
        session.Say($"fetching {package} {TorchLibrary.Version} with the .NET SDK");
        string parent = Path.GetDirectoryName(folder)!;
        Directory.CreateDirectory(parent);
        var work = Directory.CreateDirectory(Path.Combine(parent, Path.GetRandomFileName()));
        try
        {
            string project = Path.Combine(work.FullName, "libtorch.csproj"),
                output = Path.Combine(work.FullName, "libraries");
            File.WriteAllText(project, $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <TargetFramework>net{Environment.Version.Major}.0</TargetFramework>
                    <OutputType>Exe</OutputType>
                    <RuntimeIdentifier>{RuntimeInformation.RuntimeIdentifier}</RuntimeIdentifier>
                    <SelfContained>false</SelfContained>
                    <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
                  </PropertyGroup>
                  <ItemGroup><PackageReference Include="{package}" Version="{TorchLibrary.Version}" /></ItemGroup>
                </Project>
                """);
            // What stands in folders above is not for this project.
            foreach (string file in new[] { "Directory.Build.props", "Directory.Build.targets",
                "Directory.Packages.props" })
                File.WriteAllText(Path.Combine(work.FullName, file), "<Project />");
            File.WriteAllText(Path.Combine(work.FullName, "Program.cs"), "return;");
            Build(session, work.FullName, output);
            if (!TorchLibrary.IsIn(output)) throw new IOException(
                $"The package {package} was built, but has no libtorch for {RuntimeInformation.RuntimeIdentifier}.");
            Directory.Move(output, folder);
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }

    private static void Build(Session session, string folder, string output)
    {
        var start = new ProcessStartInfo("dotnet", ["build", "libtorch.csproj", "-c", "Release", "-o", output, "-v",
            "quiet", "--nologo", "-nodeReuse:false"])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // A test or a build that the tool runs in leaves marks that the SDK would take for its own.
        foreach (string name in start.Environment.Keys.Where(name =>
            name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new IOException(
                $"The .NET SDK cannot be started: {e.Message}. 'mlssl setup' needs it to fetch packages.", e);
        }
        using (process)
        using (session.Token.Register(() => process.Kill(entireProcessTree: true)))
        {
            var errors = process.StandardError.ReadToEndAsync();
            string log = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            session.Token.ThrowIfCancellationRequested();
            if (process.ExitCode == 0) return;
            var faults = (log + errors.Result).Split('\n').Where(line => line.Contains("error")).Take(3);
            throw new IOException($"The .NET SDK could not fetch libtorch: {string.Join(' ', faults).Trim()}");
        }
    }
}
