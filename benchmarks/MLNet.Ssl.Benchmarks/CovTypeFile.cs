using System.Globalization;
using System.IO.Compression;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Benchmarks;

/// <summary>A row of CovType: ten continuous values, 4 + 40 indicators, and the class, 1 to 7.</summary>
internal sealed class CovTypeRow
{
    public const int Columns = 54, Continuous = 10, Classes = 7;

    [VectorType(Columns)]
    public float[] Features { get; set; } = [];

    public int Label { get; set; }
}

/// <summary>Reads UCI Covertype as it is published: 55 integers a line, the first 15 120 rows for
/// training, the others for tests.</summary>
internal static class CovTypeFile
{
    private const int TrainRows = 15_120;

    /// <summary>The file under the folder that MLNETSSL_DATA names, or null.</summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable("MLNETSSL_DATA") is not { Length: > 0 } folder) return null;
        var files = from place in new[] { folder, Path.Combine(folder, "covtype") }
                    from name in new[] { "covtype.data.gz", "covtype.data" }
                    select Path.Combine(place, name);
        return files.FirstOrDefault(File.Exists);
    }

    /// <summary>Training rows, and as many test rows as asked for, continuous values standardised by the statistics of
    /// all rows in the file, as published.</summary>
    public static (CovTypeRow[] Train, CovTypeRow[] Test) Read(string path, int testRows)
    {
        using var file = File.OpenRead(path);
        using Stream stream = path.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var reader = new StreamReader(stream);
        var rows = new List<CovTypeRow>();
        while (reader.ReadLine() is { } line)
        {
            float[] values = Array.ConvertAll(line.Split(','), v => float.Parse(v, CultureInfo.InvariantCulture));
            if (values.Length != CovTypeRow.Columns + 1)
                throw new InvalidDataException($"{path}, line {rows.Count + 1}: {values.Length} values; expected 55.");
            rows.Add(new() { Features = values[..^1], Label = (int)values[^1] });
        }
        if (rows.Count <= TrainRows)
            throw new InvalidDataException($"{path}: {rows.Count} rows; expected more than {TrainRows}.");
        for (int j = 0; j < CovTypeRow.Continuous; j++)
        {
            double mean = rows.Average(r => r.Features[j]),
                deviation = Math.Sqrt(rows.Average(r => Math.Pow(r.Features[j] - mean, 2)));
            foreach (var row in rows) row.Features[j] = (float)((row.Features[j] - mean) / deviation);
        }
        return ([.. rows.Take(TrainRows)], [.. rows.Skip(TrainRows).Take(testRows)]);
    }
}
