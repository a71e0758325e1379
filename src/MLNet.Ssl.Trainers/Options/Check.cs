using System.Globalization;
using System.Runtime.CompilerServices;
using static System.FormattableString;

namespace MLNet.Ssl.Options;

/// <summary>Range checks of options, with messages that name the option, its value and the allowed range.</summary>
internal static class Check
{
    public static void AtLeast(double value, double least, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!(value >= least && double.IsFinite(value)))
            throw new ArgumentOutOfRangeException(
                option, value, Invariant($"{option} is {value}; it must be at least {least}."));
    }

    /// <summary>
    /// Refuses a value outside of [<paramref name="least"/>, <paramref name="most"/>], NaN included; the largest number
    /// of a type stands for no upper end.
    /// </summary>
    public static void InRange(
        double value, double least, double most, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (value >= least && value <= most) return;
        string range = most is double.MaxValue or int.MaxValue
            ? $"at least {Text(least)}"
            : $"from {Text(least)} to {Text(most)}";
        throw new ArgumentOutOfRangeException(option, value, $"{option} is {Text(value)}; allowed is {range}.");
    }

    /// <summary>For ranges without their upper end, such as probabilities that may not be one.</summary>
    public static void Below(double value, double least, double end,
        [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!(value >= least && value < end))
            throw new ArgumentOutOfRangeException(
                option, value, Invariant($"{option} is {value}; it must be at least {least} and below {end}."));
    }

    public static void Positive(double value, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!(value > 0 && double.IsFinite(value)))
            throw new ArgumentOutOfRangeException(
                option, value, Invariant($"{option} is {value}; it must be a positive number."));
    }

    public static void Defined<T>(T value, [CallerArgumentExpression(nameof(value))] string option = "")
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(
                option, value, $"{option} is {value}; it must be one of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    /// <summary>
    /// Refuses a pair that is not ordered or leaves [<paramref name="least"/>, <paramref name="most"/>].
    /// </summary>
    public static void Ordered(
        (double Min, double Max) value, double least, double most,
        [CallerArgumentExpression(nameof(value))] string option = "")
    {
        InRange(value.Min, least, most, $"{option}.Min");
        InRange(value.Max, value.Min, most, $"{option}.Max");
    }

    /// <summary>Parts of a batch that have batch statistics of their own: equal ones, of two rows or more, as many
    /// on each of the processes.</summary>
    public static void BatchNormGroups(int groups, int batch, int processes)
    {
        if (groups < 1 || batch % groups != 0 || (groups > 1 && batch / groups < 2))
        {
            throw new ArgumentOutOfRangeException(nameof(BatchNormGroups), groups,
                $"BatchNormGroups is {groups}; it must divide BatchSize ({batch}) into parts of two rows or more.");
        }
        if (groups > 1 && groups % processes != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(BatchNormGroups), groups,
                $"BatchNormGroups is {groups}; with {processes} processes it must be a multiple of {processes}, or 1 "
                + "for statistics of the whole batch.");
        }
    }

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
