using System.Text.Json;

namespace MLNet.Ssl.Benchmarks;

/// <summary>What one run of a <see cref="ResultCase"/> gave; a line of the file that keeps finished runs.</summary>
internal sealed record ResultRow(
    string Case, int Epochs, int Images, int Seed, int Threads, double Knn, double Linear, double ImagesPerSecond,
    double PeakMib, double Seconds)
{
    /// <summary>True if both are the same run, whatever came out of it.</summary>
    public bool IsRun(string name, int epochs, int images, int seed) =>
        (Case, Epochs, Images, Seed) == (name, epochs, images, seed);

    /// <summary>The rows of a file; a line that an interrupted run left unfinished is dropped from it.</summary>
    public static List<ResultRow> Read(string path)
    {
        var rows = new List<ResultRow>();
        if (!File.Exists(path)) return rows;
        string[] lines = File.ReadAllLines(path);
        foreach (string line in lines)
        {
            try
            {
                rows.Add(JsonSerializer.Deserialize<ResultRow>(line)!);
            }
            catch (JsonException) when (ReferenceEquals(line, lines[^1]))
            {
                File.WriteAllLines(path, lines[..^1]);
            }
        }
        return rows;
    }

    /// <summary>Adds the row to the end of a file.</summary>
    public void Append(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        File.AppendAllText(path, JsonSerializer.Serialize(this) + "\n");
    }
}
