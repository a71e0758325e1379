using System.Globalization;
using System.Xml.Linq;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class ChartTests
{
    [Property]
    public void AnAxisHoldsItsValuesBetweenAFewRoundTicks(double[] values)
    {
        var finite = values.Where(value => Math.Abs(value) is < 1e12 and (0 or > 1e-6)).ToArray();
        var axis = ChartAxis.Around(finite);
        Assert.All(finite, value => Assert.InRange(axis.Share(value), 0, 1));
        // Nothing is clamped: the ends are at the values or outside of them.
        double slack = 1e-6 * (axis.To - axis.From);
        Assert.All(finite, value => Assert.InRange(value, axis.From - slack, axis.To + slack));
        var ticks = axis.Ticks.ToList();
        Assert.InRange(ticks.Count, 2, 12);
        Assert.Equal(ticks.Count, ticks.Select(axis.Label).Distinct().Count());
    }

    [Theory]
    [InlineData(0, 1, "0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0, 100, "0 20 40 60 80 100")]
    [InlineData(0, 3000, "0 1,000 2,000 3,000")]
    [InlineData(0, 0.0004, "0 0.0001 0.0002 0.0003 0.0004")]
    [InlineData(0, 1e-5, "0 2e-6 4e-6 6e-6 8e-6 1e-5")]
    public void TicksAreWrittenWithTheDigitsTheyNeed(double from, double to, string expected)
    {
        var axis = ChartAxis.Exact(from, to);
        Assert.Equal(expected, string.Join(' ', axis.Ticks.Select(axis.Label)));
    }

    [Fact]
    public void ACurveIsThinnedAndLeavesGaps()
    {
        var many = Chart([.. Enumerable.Range(0, 10_000).Select(i => (i / 1000.0, Math.Sin(i / 500.0)))]);
        Assert.Equal(500, Line(many).Count(c => c is 'M' or 'L'));
        Assert.Single(Line(many), c => c == 'M');

        var gap = Chart([(0, 1), (1, 2), (2, double.NaN), (3, 1), (4, 2)]);
        Assert.Equal("MLML", new string([.. Line(gap).Where(char.IsLetter)]));
    }

    [Fact]
    public void APageReadsTheSameInEveryCulture()
    {
        var before = CultureInfo.CurrentCulture;
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (comma.NumberFormat.NumberDecimalSeparator, comma.NumberFormat.PercentDecimalSeparator) = (",", ",");
        string here = new LineChart("Loss", "", [(0.5, 1.25), (1, 1.5)], 1) { Thresholds = [new(1.3, "alarm")] }.Html();
        try
        {
            CultureInfo.CurrentCulture = comma;
            Assert.Equal(here,
                new LineChart("Loss", "", [(0.5, 1.25), (1, 1.5)], 1) { Thresholds = [new(1.3, "alarm")] }.Html());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void TheMapKeepsDistancesWithinItsPlane()
    {
        // Unit vectors on a circle in a tilted plane of five dimensions.
        using var scope = NewDisposeScope();
        double[] angles = [0.1, 0.9, 2.2, 3.0, 4.4, 5.5];
        float[][] rows = [.. angles.Select(t => new[] { Math.Cos(t) * 0.6, Math.Cos(t) * 0.8, Math.Sin(t) * 0.6, 0,
            Math.Sin(t) * 0.8 }.Select(v => (float)(3 * v)).ToArray())];
        var map = EmbeddingMap.Of(tensor([.. rows.SelectMany(row => row)], [6, 5]));
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < i; j++)
            {
                double expected = 2 * Math.Abs(Math.Sin((angles[i] - angles[j]) / 2));
                var (a, b) = (map.Points[i], map.Points[j]);
                Assert.Equal(expected, Math.Sqrt((a.X - b.X) * (a.X - b.X) + (a.Y - b.Y) * (a.Y - b.Y)), 4);
            }
        Assert.Equal(1, map.Shares.X + map.Shares.Y, 6);
        Assert.True(map.Shares.X >= map.Shares.Y);
        // The first axis has the larger variance, too.
        double Variance(Func<(float X, float Y), float> of) => map.Points.Select(of).Average(v => (double)v * v);
        Assert.True(Variance(p => p.X) > Variance(p => p.Y));
    }

    [Fact]
    public void OneRowAndOneDimensionMakeAMapToo()
    {
        using var scope = NewDisposeScope();
        Assert.Equal((0, 0), EmbeddingMap.Of(ones(1, 8)).Points.Single());
        var flat = EmbeddingMap.Of(tensor([1f, -2f, 3f], [3, 1]));
        Assert.Equal((1, 0), flat.Shares);
        _ = XElement.Parse(Svg(new ScatterChart(flat, [0, -1, 2], null).Html()));
    }

    private static LineChart Chart((double, double)[] points) => new("Curve", "", points, 10);

    private static string Line(LineChart chart) =>
        XElement.Parse(Svg(chart.Html())).Descendants("path").Single(path => (string?)path.Attribute("class") == "line")
            .Attribute("d")!.Value;

    private static string Svg(string html) =>
        html[html.IndexOf("<svg", StringComparison.Ordinal)..(html.IndexOf("</svg>", StringComparison.Ordinal) + 6)];
}
