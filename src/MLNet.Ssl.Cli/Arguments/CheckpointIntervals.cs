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
        var parts = text.Split([' ', '-', '_'], StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 1)
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) && time > TimeSpan.Zero
                && text.Contains(':')
                ? CheckpointInterval.Time(time) : null;
        }
        var invariant = CultureInfo.InvariantCulture;
        if (parts.Length != 2 || !double.TryParse(parts[0], NumberStyles.AllowDecimalPoint, invariant, out double count)
            || count <= 0) return null;
        bool whole = count % 1 == 0 && count is >= 1 and <= int.MaxValue;
        return parts[1].TrimEnd('s').ToLowerInvariant() switch
        {
            "step" => whole ? CheckpointInterval.Steps((long)count) : null,
            "epoch" => whole ? CheckpointInterval.Epochs((int)count) : null,
            "second" => Time(TimeSpan.TicksPerSecond),
            "minute" => Time(TimeSpan.TicksPerMinute),
            "hour" => Time(TimeSpan.TicksPerHour),
            _ => null,
        };

        CheckpointInterval? Time(long ticks) =>
            count * ticks is >= 1 and < 1e18 ? CheckpointInterval.Time(TimeSpan.FromTicks((long)(count * ticks)))
                : null;
    }

    public override CheckpointInterval Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        Parse(reader.GetString() ?? "") ?? throw new JsonException(
            "it is no interval such as '10 minutes', '500 steps' or '1 epoch'.");

    public override void Write(Utf8JsonWriter writer, CheckpointInterval value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
