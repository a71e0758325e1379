using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>Intervals of checkpoints as text, such as "10 minutes", "500 steps", "1 epoch" or "00:10:00".</summary>
internal sealed class CheckpointIntervals : JsonConverter<CheckpointInterval>
{
    /// <summary>The interval; null where the text is none.</summary>
    public static CheckpointInterval? Parse(string text)
    {
        if (Time(text) is { } time) return CheckpointInterval.Time(time);
        if (Count(text) is not { } told || told.Count % 1 != 0 || told.Count is < 1 or > int.MaxValue) return null;
        return told.Unit switch
        {
            "step" => CheckpointInterval.Steps((long)told.Count),
            "epoch" => CheckpointInterval.Epochs((int)told.Count),
            _ => null,
        };
    }

    /// <summary>A time, such as "90 minutes" or "1:30:00"; null where the text is none.</summary>
    public static TimeSpan? Time(string text)
    {
        if (text.Contains(':'))
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) && time > TimeSpan.Zero ? time
                : null;
        if (Count(text) is not { } told) return null;
        double ticks = told.Count * told.Unit switch
        {
            "second" => TimeSpan.TicksPerSecond,
            "minute" => TimeSpan.TicksPerMinute,
            "hour" => TimeSpan.TicksPerHour,
            "day" => TimeSpan.TicksPerDay,
            _ => 0,
        };
        return ticks is >= 1 and < 1e18 ? TimeSpan.FromTicks((long)ticks) : null;
    }

    private static (double Count, string Unit)? Count(string text)
    {
        var parts = text.Split([' ', '-', '_'], StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 2 && double.TryParse(
            parts[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            ? (count, parts[1].TrimEnd('s').ToLowerInvariant()) : null;
    }

    public override CheckpointInterval Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        Parse(reader.GetString() ?? "") ?? throw new JsonException(
            "it is no interval such as '10 minutes', '500 steps' or '1 epoch'.");

    public override void Write(Utf8JsonWriter writer, CheckpointInterval value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
