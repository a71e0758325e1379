using System.Reflection;
using System.Runtime.InteropServices;
using MLNet.Ssl.Tensors;

namespace MLNet.Ssl.Cli.Models;

/// <summary>libtorch is not in the tool's package.</summary>
internal sealed class NoLibTorchException(string message) : Exception(message);

/// <summary>
/// libtorch, which is half a gigabyte and another one for every system and GPU: the tool takes what stands beside it,
/// what the variable
/// <see cref="Variable"/> names, or what 'mlssl setup' fetched.
/// </summary>
internal static class TorchLibrary
{
    /// <summary>A folder with libtorch's libraries.</summary>
    public const string Variable = "MLNETSSL_LIBTORCH";

    public static readonly IReadOnlyList<string> Backends = ["cpu", "cuda-linux", "cuda-windows"];

    private static readonly Lock Gate = new();
    private static bool _loaded;

    /// <summary>The version of TorchSharp that this program is built with.</summary>
    public static string Version { get; } = typeof(
        TorchLibrary).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(data => data.Key == "TorchSharpVersion").Value!;

    /// <summary>Where 'mlssl setup' puts the libraries of a backend.</summary>
    public static string FolderOf(string backend) => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData,
            Environment.SpecialFolderOption.DoNotVerify),
        "mlnet-ssl", $"libtorch-{backend}-{Version}");

    /// <summary>Loads libtorch, before anything needs it.</summary>
    /// <exception cref="NoLibTorchException">It is not there; the message says how to get it.</exception>
    public static void Require()
    {
        lock (Gate)
        {
            if (_loaded) return;
            if (Find() is { } folder) Load(folder);
            // Left alone, TorchSharp would look through the cache of packages and copy half a gigabyte to the tool.
            else if (!IsBeside && !NativeLibrary.TryLoad("torch_cpu", typeof(TorchSharp.torch).Assembly, null, out _))
            {
                throw new NoLibTorchException(
                    $"libtorch is not here: run 'mlssl setup' once (0.5 GB for the processor; "
                    + $"'mlssl setup --backend cuda-linux' for a GPU), or name a folder that has it in {Variable}.");
            }
            try
            {
                NativeTorch.Require();
            }
            catch (InvalidOperationException e)
            {
                throw new NoLibTorchException(e.Message);
            }
            _loaded = true;
        }
    }

    /// <summary>Whether a folder has libtorch.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, FileName("torch_cpu")));

    private static bool IsBeside => IsIn(AppContext.BaseDirectory) || IsIn(Path.Combine(
        AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native"));

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return IsIn(named) ? named : throw new NoLibTorchException(
                $"{Variable} is '{named}', which has no {FileName("torch_cpu")}.");
        // A GPU's libraries compute on the processor too.
        return IsBeside ? null : Backends.Reverse().Select(FolderOf).FirstOrDefault(IsIn);
    }

    // What is loaded by its path is found by its name afterwards, which is how TorchSharp asks for it.
    private static void Load(string folder)
    {
        foreach (string name in new[] { "c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch", "LibTorchSharp" })
        {
            string path = Path.Combine(folder, FileName(name));
            if (!File.Exists(path)) continue;
            try
            {
                NativeLibrary.Load(path);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                throw new NoLibTorchException($"'{path}' cannot be loaded: {e.Message}");
            }
        }
    }

    private static string FileName(string library) => OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";
}
