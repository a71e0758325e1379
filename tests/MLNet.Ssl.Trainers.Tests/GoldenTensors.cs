using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Golden arrays as tensors, and networks filled by the golden rules.</summary>
internal static class GoldenTensors
{
    public static Tensor ToTensor(this GoldenArray array) => array.Dtype switch
    {
        "int64" => tensor(array.Longs, array.Shape, dtype: int64),
        "float64" => tensor(array.Data, array.Shape, dtype: float64),
        _ => tensor(array.Floats, array.Shape, dtype: float32),
    };

    /// <summary>Fills a network from a state-dict table, after checking that both have
    /// the same names and shapes.</summary>
    public static void Fill(nn.Module network, JsonElement table, string rule = "sine")
    {
        var state = network.state_dict();
        var entries = table.EnumerateArray()
            .Select(e => (Name: e.GetProperty("name").GetString()!, Kind: e.GetProperty("kind").GetString()!,
            Shape: e.GetProperty("shape").EnumerateArray().Select(v => v.GetInt64()).ToArray())).ToList();
        Assert.Equal(entries.Select(e => $"{e.Name} [{string.Join(",", e.Shape)}]").Order(),
            state.Select(s => $"{s.Key} [{string.Join(",", s.Value.shape)}]").Order());
        using var _ = no_grad();
        foreach (var (name, kind, shape) in entries)
        {
            long count = shape.Aggregate(1L, (a, b) => a * b);
            var values = rule == "hash" ? GoldenRules.Hash(name, kind, shape) : GoldenRules.Sine(name, kind, count);
            state[name].copy_(tensor(values, shape, dtype: float32));
        }
    }

    /// <summary>|a−b| ≤ tolerance·max(1, max|expected|), the rule of the golden README;
    /// relative: without the 1.</summary>
    public static void Close(string what, GoldenArray expected, Tensor actual, double tolerance, bool relative = false)
    {
        Assert.Equal($"{what} [{string.Join(",", expected.Shape)}]", $"{what} [{string.Join(",", actual.shape)}]");
        using var values = actual.detach().to(float64).contiguous();
        CloseValues(what, expected, values.data<double>().ToArray(), tolerance, relative);
    }

    public static void CloseValues(string what, GoldenArray expected, IReadOnlyList<double> values, double tolerance,
        bool relative = false)
    {
        Assert.Equal(expected.Data.Length, values.Count);
        double scale = expected.Data.Length == 0 ? 1 : expected.Data.Max(Math.Abs);
        if (!relative) scale = Math.Max(1, scale);
        double worst = expected.Data.Zip(values, (e, v) => Math.Abs(e - v))
            .Max(d => double.IsNaN(d) ? double.PositiveInfinity : d);
        Assert.True(worst <= tolerance * scale, $"{what}: off by {worst:g3}, allowed {tolerance * scale:g3}");
    }

    public static void AssertClose(this GoldenArray expected, Tensor actual, double tolerance, string what) =>
        Close(what, expected, actual, tolerance);

    public static void AssertValues(this GoldenArray expected, IReadOnlyList<double> actual, double tolerance,
        string what) => CloseValues(what, expected, actual, tolerance);
}
