using System.Globalization;

namespace MLNet.Ssl.Options;

internal static class OptionRange
{
    /// <summary>Refuses a value outside [<paramref name="min"/>, <paramref name="max"/>], NaN included.</summary>
    public static void Check(string option, double value, double min, double max)
    {
        if (!(value >= min && value <= max))
        {
            var range = max is double.MaxValue or int.MaxValue ? $"at least {Text(min)}" : $"from {Text(min)} to {Text(max)}";
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {Text(value)}; allowed is {range}.");
        }
    }

    /// <summary>Refuses a (min, max) pair that is not ordered or leaves [<paramref name="min"/>, <paramref name="max"/>].</summary>
    public static void CheckPair(string option, (double Min, double Max) value, double min, double max)
    {
        Check(option + ".Min", value.Min, min, max);
        Check(option + ".Max", value.Max, value.Min, max);
    }

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
