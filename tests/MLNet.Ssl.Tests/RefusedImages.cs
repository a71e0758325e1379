using System.Diagnostics;

namespace MLNet.Ssl.Tests;

/// <summary>What refusing a file costs, measured in a process that does nothing else.</summary>
internal static class RefusedImages
{
    /// <summary>Loads every file of a folder, and writes name, milliseconds that processors were busy, peak MiB above
    /// what was there before, and the message into <c>measured.tsv</c>.</summary>
    public static int Measure(string folder)
    {
        using (var image = TestImages.Image(1)) image.Save(Path.Combine(folder, "good.png"));
        _ = RgbImages.Load(Path.Combine(folder, "good.png"));
        var lines = new List<string>();
        foreach (string path in Directory.GetFiles(folder, "*.image").Order())
        {
            long before = Peak();
            var busy = Environment.CpuUsage.TotalTime;
            string message = "accepted";
            try { _ = RgbImages.Load(path); }
            catch (InvalidOperationException e) { message = e.Message; }
            busy = Environment.CpuUsage.TotalTime - busy;
            lines.Add(FormattableString.Invariant(
                $"{Path.GetFileName(path)}\t{busy.TotalMilliseconds:0}\t{(Peak() - before) >> 20}\t{message}"));
        }
        File.WriteAllLines(Path.Combine(folder, "measured.tsv"), lines);
        return 0;

        static long Peak()
        {
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }
}
