using System.Runtime.CompilerServices;

namespace MLNet.Ssl.Options;

/// <summary>Range checks of options, with messages that name the option, its value and the allowed range.</summary>
internal static class Check
{
    public static void AtLeast(double value, double least, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!(value >= least && double.IsFinite(value))) throw new ArgumentOutOfRangeException(option, value, $"{option} is {value}; it must be at least {least}.");
    }

    public static void InRange(double value, double least, double most, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!(value >= least && value <= most))
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {value}; it must lie between {least} and {most}.");
    }

    /// <summary>For ranges without their upper end, such as probabilities that may not be one.</summary>
    public static void Below(double value, double least, double end, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!(value >= least && value < end))
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {value}; it must be at least {least} and below {end}.");
    }

    public static void Positive(double value, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!(value > 0 && double.IsFinite(value)))
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {value}; it must be a positive number.");
    }

    public static void Defined<T>(T value, [CallerArgumentExpression(nameof(value))] string option = "") where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {value}; it must be one of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    /// <summary>For ranges given as a pair.</summary>
    public static void Ordered((double Min, double Max) value, double least, double most, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!(value.Min >= least && value.Min <= value.Max && value.Max <= most))
            throw new ArgumentOutOfRangeException(option, value, $"{option} is ({value.Min}, {value.Max}); both must lie between {least} and {most}, in order.");
    }

    /// <summary>Parts of a batch that have batch statistics of their own: equal ones, of two rows or more.</summary>
    public static void BatchNormGroups(int groups, int batch)
    {
        if (groups < 1 || batch % groups != 0 || (groups > 1 && batch / groups < 2))
        {
            throw new ArgumentOutOfRangeException(nameof(BatchNormGroups), groups,
                $"BatchNormGroups is {groups}; it must divide BatchSize ({batch}) into parts of two rows or more.");
        }
    }
}
