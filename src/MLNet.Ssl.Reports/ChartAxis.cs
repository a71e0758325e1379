using System.Globalization;

namespace MLNet.Ssl.Reports;

/// <summary>The range of a chart's axis, with ticks at round numbers.</summary>
internal sealed class ChartAxis
{
    private readonly double _step;

    private ChartAxis(double from, double to, double step) => (From, To, _step) = (from, to, step);

    public double From { get; }

    public double To { get; }

    /// <summary>Multiples of 1, 2 or 5 times a power of ten.</summary>
    public IEnumerable<double> Ticks
    {
        get
        {
            long first = (long)Math.Ceiling(From / _step - 1e-9), last = (long)Math.Floor(To / _step + 1e-9);
            for (long i = first; i <= last; i++) yield return i * _step;
        }
    }

    /// <summary>An axis of exactly this range.</summary>
    public static ChartAxis Exact(double from, double to, int ticks = 5) => new(from, to, Step(to - from, ticks));

    /// <summary>An axis that holds all values and ends at ticks.</summary>
    public static ChartAxis Around(IEnumerable<double> values, int ticks = 5)
    {
        var finite = values.Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        double least = finite.Min(), most = finite.Max();
        // A constant gets room above and below.
        if (most - least <= 1e-9 * Math.Abs(most))
            (least, most) = most == 0 ? (0, 1) : (Math.Min(0, 2 * most), Math.Max(0, 2 * most));
        double step = Step(most - least, ticks);
        return new(step * Math.Floor(least / step + 1e-9), step * Math.Ceiling(most / step - 1e-9), step);
    }

    /// <summary>A tick's number, with as many digits as tell it from the next one.</summary>
    public string Label(double tick)
    {
        if (Math.Abs(tick) < _step / 2) return "0";
        double most = Math.Max(Math.Abs(From), Math.Abs(To));
        int digits = Math.Max(0, -(int)Math.Floor(Math.Log10(_step) + 1e-9));
        // Small numbers by their power of ten, such as learning rates.
        if (most < 1e-4) return tick.ToString(
            $"0.{new string('#', (int)Math.Ceiling(Math.Log10(most / _step)))}e-0", CultureInfo.InvariantCulture);
        return tick.ToString("#,0." + new string('0', digits), CultureInfo.InvariantCulture);
    }

    /// <summary>Where a value lies, from 0 to 1.</summary>
    public double Share(double value) => (Math.Clamp(value, From, To) - From) / (To - From);

    private static double Step(double range, int ticks)
    {
        double rough = range / ticks, power = Math.Pow(10, Math.Floor(Math.Log10(rough))), lead = rough / power;
        return power * (lead <= 1.0001 ? 1 : lead <= 2.0001 ? 2 : lead <= 5.0001 ? 5 : 10);
    }
}
