using System.Collections.Concurrent;
using System.Text.Json;

namespace MLNet.Ssl.Tests;

/// <summary>Number files written by the official implementations; MLNETSSL_GOLDEN names another
/// folder of the same form.</summary>
public static class Golden
{
    private static readonly ConcurrentDictionary<string, GoldenFile> Files = new();

    public static string Folder { get; } =
        Environment.GetEnvironmentVariable("MLNETSSL_GOLDEN") is { Length: > 0 } folder
        ? Path.GetFullPath(folder)
        : Path.Combine(RepositoryRoot, "tests", "golden");

    public static string RepositoryRoot
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
                if (File.Exists(Path.Combine(folder.FullName, "MLNet.Ssl.slnx"))) return folder.FullName;
            throw new DirectoryNotFoundException("MLNet.Ssl.slnx was not found above the test assembly.");
        }
    }

    public static GoldenFile Load(string name) =>
        Files.GetOrAdd(name, n =>
            new GoldenFile(n, JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, n + ".json"))).RootElement));
}

/// <summary>One golden file: parameters, named inputs and named expectations.</summary>
public sealed class GoldenFile(string name, JsonElement root)
{
    public string Name => name;

    public JsonElement Root => root;

    public JsonElement Params => root.GetProperty("params");

    public IEnumerable<string> ExpectedNames => root.GetProperty("expected").EnumerateObject().Select(p => p.Name);

    public GoldenArray Input(string key) => GoldenArray.Parse(root.GetProperty("inputs").GetProperty(key));

    public GoldenArray Expected(string key) => GoldenArray.Parse(root.GetProperty("expected").GetProperty(key));
}

/// <summary>A dense row-major array of a golden file; rule-filled inputs are generated here.</summary>
public sealed record GoldenArray(long[] Shape, string Dtype, double[] Data)
{
    public float[] Floats => Array.ConvertAll(Data, v => (float)v);

    public long[] Longs => Array.ConvertAll(Data, v => (long)v);

    public byte[] Bytes => Array.ConvertAll(Data, v => (byte)v);

    public static GoldenArray Parse(JsonElement e)
    {
        var shape = e.GetProperty("shape").EnumerateArray().Select(v => v.GetInt64()).ToArray();
        var dtype = e.GetProperty("dtype").GetString()!;
        if (e.TryGetProperty("data", out var data))
            return new(shape, dtype, data.ValueKind == JsonValueKind.Array
                ? [.. data.EnumerateArray().Select(v => v.GetDouble())] : [data.GetDouble()]);
        long count = shape.Aggregate(1L, (a, b) => a * b);
        var rule = e.GetProperty("rule");
        string kind = rule.ValueKind == JsonValueKind.String ? rule.GetString()!
            : (rule.TryGetProperty("name", out var n) ? n : rule.GetProperty("kind")).GetString()!;
        var source = rule.ValueKind == JsonValueKind.String ? e : rule;
        uint seed = source.GetProperty("seed").GetUInt32();
        return kind switch
        {
            "hash32" => new(shape, dtype, GoldenRules.Hash32(count, seed, source.GetProperty("scale").GetDouble(),
                source.GetProperty("offset").GetDouble())),
            "image_u8" => new(shape, dtype, GoldenRules.ImageU8((int)shape[0], (int)shape[1], seed)),
            _ => throw new NotSupportedException($"golden rule '{kind}'"),
        };
    }
}

/// <summary>The fill rules of the golden README.</summary>
public static class GoldenRules
{
    public static uint Mix32(uint x)
    {
        x ^= x >> 16;
        x *= 2246822519;
        x ^= x >> 13;
        return x;
    }

    public static double[] Hash32(long count, uint seed, double scale, double offset)
    {
        var values = new double[count];
        for (long k = 0; k < count; k++)
            values[k] = (float)((Mix32((uint)(k + 1) * 2654435761 + seed * 40503) / 2147483648.0 - 1) * scale + offset);
        return values;
    }

    public static double[] ImageU8(int height, int width, uint seed)
    {
        var values = new double[height * width * 3];
        int k = 0;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < 3; c++, k++)
                {
                    long t = (3L * x + 2 * y + 50 * c + x * y / 16 * (1 + c) + 7 * seed) % 510;
                    long tri = t <= 255 ? t : 510 - t;
                    long noise = Mix32((uint)(k + 1) * 2654435761 + seed * 40503) >> 27;
                    values[k] = Math.Min(255, 7 * tri / 8 + noise);
                }
        return values;
    }

    /// <summary>The "sine" parameter fill: <paramref name="kind"/> is the kind column of a state-dict table.</summary>
    public static float[] Sine(string name, string kind, long count)
    {
        int p = System.Text.Encoding.UTF8.GetBytes(name).Sum(b => b) % 97;
        return Fill(kind, count, k => 0.08 * Math.Sin(0.37 * k + p), (v, _) => v, v => 1 + v, v => v, v =>
            1 + Math.Abs(v));
    }

    /// <summary>The "hash" parameter fill, which tells tensors of equal byte sums apart.</summary>
    public static float[] Hash(string name, string kind, long[] shape)
    {
        uint s = 2166136261;
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(name)) s = (s ^ b) * 16777619;
        long count = shape.Aggregate(1L, (a, b) => a * b);
        double fanIn = shape.Skip(1).Aggregate(1.0, (a, b) => a * b);
        return Fill(kind, count, k => Mix32((uint)(k + 1) * 2654435761 + s) / 2147483648.0 - 1,
            (u, _) => shape.Length >= 2 ? Math.Sqrt(6 / fanIn) * u : 0.08 * u, u => 1 + 0.2 * u, u => 0.1 * u, u =>
                1 + 0.2 * Math.Abs(u));
    }

    private static float[] Fill(string kind, long count, Func<long, double> value, Func<double, long, double> weight,
        Func<double, double> norm,
        Func<double, double> mean, Func<double, double> variance)
    {
        var result = new float[count];
        for (long k = 0; k < count; k++)
            result[k] = (float)(kind switch
            {
                "weight" => weight(value(k), k),
                "norm_weight" => norm(value(k)),
                "running_mean" => mean(value(k)),
                "running_var" => variance(value(k)),
                "zero" => 0,
                "one" => 1,
                _ => throw new NotSupportedException($"golden parameter kind '{kind}'"),
            });
        return result;
    }
}
