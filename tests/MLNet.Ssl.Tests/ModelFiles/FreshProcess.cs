using System.Diagnostics;
using Microsoft.ML;
using Xunit.Runner.InProc.SystemConsole;

namespace MLNet.Ssl.Tests;

/// <summary>The test program: runs the tests, or does in a process of its own what needs one: models after nothing was
/// fitted, memory of nobody else.</summary>
internal static class FreshProcess
{
    /// <summary>Answers, for every kind, of the model <c>kind.zip</c> in a folder, into <c>kind.bin</c>.</summary>
    public static int Main(string[] args)
    {
        if (args is ["refuse", var attacks]) return RefusedImages.Measure(attacks);
        if (args is ["predict by ML.NET", var saved]) return SavedByMLNet.Predict(saved);
        if (args is ["predict resized by ML.NET", var resized]) return SavedByMLNet.PredictResized(resized);
        if (args is ["page", var page]) return PageProgram.Run(page);
        if (args is ["libtorch"]) return NativeTorchTests.Try();
        if (args is not ["predict", var folder]) return ConsoleRunner.Run(args).GetAwaiter().GetResult();
        var ml = new MLContext();
        foreach (string kind in SavedModels.Kinds)
        {
            var model = ml.SelfSupervised().Model.Load(Path.Combine(folder, kind + ".zip"), out _);
            File.WriteAllBytes(Path.Combine(folder, kind + ".bin"), SavedModels.Answers(ml, model, kind));
        }
        return 0;
    }

    public static void Predict(string folder) => Run("predict", folder);

    public static void Run(string what, string folder) => Run([what, folder]);

    /// <summary>Runs the test program, which must succeed.</summary>
    /// <param name="arguments">What it is to do.</param>
    /// <param name="folder">Its current folder; null for that of the tests.</param>
    /// <param name="environment">Variables beside those of the tests.</param>
    /// <param name="program">A copy of the program; null for the one that the tests are in.</param>
    /// <returns>What it wrote to its output.</returns>
    public static string Run(string[] arguments, string? folder = null, Dictionary<string, string>? environment = null,
        string? program = null)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start =
            new ProcessStartInfo(host, ["exec", program ?? typeof(FreshProcess).Assembly.Location, .. arguments])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                WorkingDirectory = folder ?? "",
            };
        foreach (var (name, value) in environment ?? []) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(TimeSpan.FromMinutes(10)))
        {
            process.Kill();
            Assert.Fail("The process did not end in ten minutes.");
        }
        Assert.True(process.ExitCode == 0, output.Result + errors.Result);
        return output.Result;
    }
}
