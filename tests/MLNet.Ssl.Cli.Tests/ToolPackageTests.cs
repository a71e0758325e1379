using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MLNet.Ssl.Cli.Tests;

/// <summary>The tool as users get it: packed, installed from the package, and run in processes of its own.</summary>
[Collection(nameof(CommandTests))]
public sealed class ToolPackageTests(ToolPackageTests.Installed tool) : IClassFixture<ToolPackageTests.Installed>
{
    [Fact]
    public void ThePackageHasNoLibTorchAndSaysHowToGetIt()
    {
        var package = new FileInfo(tool.Package);
        Assert.InRange(package.Length, 5 << 20, 40 << 20);
        Assert.Contains("mlssl setup", tool.Run([], "--help").Output);
        using var folder = new TemporaryFolder();
        var (code, _, error) = tool.Run(new()
        {
            ["MLNETSSL_LIBTORCH"] = "",
            ["XDG_DATA_HOME"] = folder.Path,
            ["LOCALAPPDATA"] = folder.Path
        },
            "embed", RealData.Path("photos"), "--model", "dinov2_vits14");
        Assert.Equal(3, code);
        Assert.Contains("run 'mlssl setup' once", error);
        (code, _, error) = tool.Run(new() { ["MLNETSSL_LIBTORCH"] = folder.Path }, "evaluate", "x");
        Assert.Equal(3, code);
        Assert.Contains($"MLNETSSL_LIBTORCH is '{folder.Path}'", error);
    }

    [Fact]
    public void AnIndexIsSearchedWithTheLibTorchThatIsNamedAndWrittenAndInspectedWithoutAny()
    {
        using var folder = new TemporaryFolder();
        string[] learn = ["pretrain", RealData.Path("photos"), "--output", folder.File("m.mlssl"), .. Tool.Small];
        Assert.Equal(0, tool.Run([], [.. learn, "--epochs", "0"]).Code);
        Assert.Equal(0, tool.Run([], "embed", RealData.Path("photos"), "--model", folder.File("m.mlssl"),
            "--output", folder.File("e")).Code);
        Dictionary<string, string> without = new()
        {
            ["MLNETSSL_LIBTORCH"] = "",
            ["XDG_DATA_HOME"] = folder.Path,
            ["LOCALAPPDATA"] = folder.Path,
        };
        string index = folder.File("i.index");
        var (code, _, error) = tool.Run(without, "index", folder.File("e"), "--output", index);
        Assert.True(code == 0, error);
        Assert.Contains("rows: 52", tool.Run(without, "inspect", index).Output);
        Assert.Equal(0, tool.Run([], "export", folder.File("m.mlssl"), folder.File("m.safetensors")).Code);
        Assert.Contains("--model takes: not known: libtorch is not here",
            tool.Run(without, "inspect", folder.File("m.safetensors")).Output);

        (code, string found, error) = tool.Run([], "search", index, "--key", "food/pizza.jpg", "--count", "2");
        Assert.True(code == 0, error);
        Assert.Equal(3, found.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        // TorchSharp, left alone, copies what it finds in NuGet's cache to the tool.
        Assert.Empty(Directory.EnumerateFiles(tool.Folder, "*torch_cpu*", SearchOption.AllDirectories));
    }

    [Fact]
    public void TheInstalledToolLearnsFromPhotosAndStopsOnASignal()
    {
        string photos = RealData.Path("photos");
        using var folder = new TemporaryFolder();
        string[] command = ["pretrain", photos, "--output", folder.File("m.zip"), .. Tool.Small];
        var (code, output, error) = tool.Run([], [.. command, "--epochs", "1"]);
        Assert.True(code == 0, error);
        Assert.Contains("wrote", output);
        // Piped: lines, and no drawing.
        Assert.Contains("Epoch 1 of 1, step", error);
        Assert.DoesNotContain('\u001b', output + error);
        Assert.Contains("ResNet", tool.Run([], "inspect", folder.File("m.zip")).Output);

        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGTERM to send");
        string log = folder.File("n.run/run.jsonl");
        command[3] = folder.File("n.mlssl");
        (code, output, error) = tool.Stop(
            () => File.Exists(log) && ReadShared(log).Contains("\"progress\""), [.. command, "--epochs", "100000"]);
        Assert.True(code == 130, error);
        Assert.Contains("Go on with: mlssl pretrain", error);
        Assert.Contains("--resume", error);
        Assert.NotEmpty(Directory.GetFiles(folder.File("n.run"), "checkpoint-*.safetensors"));
        Assert.Equal("", output);
    }

    private static string ReadShared(string path)
    {
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return file.ReadToEnd();
    }

    /// <summary>Packs what was built, and installs it beside a folder of packages that has nothing else.</summary>
    public sealed class Installed : IDisposable
    {
        private const int Terminate = 15;

        private readonly TemporaryFolder _folder = new();

        public Installed()
        {
            string output = AppContext.BaseDirectory;
            string configuration = output.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}")
                ? "Release" : "Debug";
            string packages = _folder.File("packages");
            Dotnet("pack", Project(), "-c", configuration, "--no-build", "-o", packages, "-nodeReuse:false");
            Package = Directory.GetFiles(packages, "*.nupkg").Single();
            string version = Path.GetFileNameWithoutExtension(Package)["MLNet.Ssl.Cli.".Length..];
            Dotnet("tool", "install", "MLNet.Ssl.Cli", "--tool-path", _folder.File("tools"), "--source", packages,
                "--version", version);
        }

        public string Package { get; }

        /// <summary>Where it is installed.</summary>
        public string Folder => _folder.File("tools");

        public (int Code, string Output, string Error) Run(Dictionary<string, string> environment,
            params IReadOnlyList<string> arguments)
        {
            using var process = Start(environment, arguments);
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            Assert.True(process.WaitForExit(120_000), "The tool did not end in two minutes.");
            return (process.ExitCode, output.Result, error.Result);
        }

        /// <summary>Sends SIGTERM to a command once it is ready.</summary>
        public (int Code, string Output, string Error) Stop(Func<bool> ready, params IReadOnlyList<string> arguments)
        {
            using var process = Start([], arguments);
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            for (int i = 0; i < 600 && !ready() && !process.HasExited; i++) Thread.Sleep(100);
            Assert.Equal(0, Kill(process.Id, Terminate));
            Assert.True(process.WaitForExit(60_000), "It did not stop in a minute.");
            return (process.ExitCode, output.Result, error.Result);
        }

        private Process Start(Dictionary<string, string> environment, params IReadOnlyList<string> arguments)
        {
            var start = new ProcessStartInfo(Path.Combine(_folder.File("tools"), OperatingSystem.IsWindows()
                ? "mlssl.exe" : "mlssl"), arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            // The libtorch that these tests are built with.
            start.Environment["MLNETSSL_LIBTORCH"] = AppContext.BaseDirectory;
            foreach (var (name, value) in environment) start.Environment[name] = value;
            return Process.Start(start)!;
        }

        public void Dispose() => _folder.Dispose();

        private static void Dotnet(params string[] arguments)
        {
            var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            foreach (string name in start.Environment.Keys.Where(name =>
                name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
                start.Environment.Remove(name);
            using var process = Process.Start(start)!;
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"dotnet {arguments[0]}: {output.Result}{error.Result}");
        }

        [DllImport("libc", EntryPoint = "kill")]
        private static extern int Kill(int process, int signal);

        private static string Project()
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MLNet.Ssl.slnx"))) folder =
                folder.Parent;
            return Path.Combine(folder!.FullName, "src", "MLNet.Ssl.Cli");
        }
    }
}
