using Microsoft.ML;

namespace MLNet.Ssl.Tests;

/// <summary>A program without a native package of TorchSharp is told so in a sentence.</summary>
public sealed class NativeTorchTests
{
    [Fact]
    public void FitAndLoadPretrainedNameThePackages()
    {
        using var folder = new TemporaryFolder();
        // The program's managed half alone: without the description of its packages nothing native is found.
        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory))
            if (Path.GetExtension(file) == ".dll" || file.EndsWith("runtimeconfig.json", StringComparison.Ordinal))
                File.Copy(file, folder.File(Path.GetFileName(file)));
        FreshProcess.Run("no-libtorch", folder.Path, folder.File(Path.GetFileName(typeof(FreshProcess).Assembly.Location)));
        foreach (string call in (string[])["fit", "load"])
        {
            string said = File.ReadAllText(folder.File(call + ".txt"));
            Assert.StartsWith("InvalidOperationException: ", said);
            Assert.Contains("add exactly one of the packages TorchSharp-cpu, TorchSharp-cuda-linux and TorchSharp-cuda-windows", said);
            Assert.DoesNotContain('\n', said);
        }
    }

    /// <summary>What the process does that has no libtorch.</summary>
    public static int TryCalls(string folder)
    {
        var ml = new MLContext(seed: 1);
        var rows = ml.Data.LoadFromEnumerable([new Row { Features = [1, 2, 3, 4] }, new Row { Features = [4, 3, 2, 1] }]);
        Write("fit", () => ml.SelfSupervised().Pretrain("Embedding", "Features").Fit(rows));
        Write("load", () => ml.SelfSupervised().LoadPretrained("Embedding", "Image", Path.Combine(folder, "no.safetensors")));
        return 0;

        void Write(string call, Func<object> action)
        {
            string said = "nothing";
            try { action(); }
            catch (Exception e) { said = $"{e.GetType().Name}: {e.Message}"; }
            File.WriteAllText(Path.Combine(folder, call + ".txt"), said);
        }
    }

    private sealed class Row
    {
        [Microsoft.ML.Data.VectorType(4)]
        public float[] Features { get; set; } = [];
    }
}
