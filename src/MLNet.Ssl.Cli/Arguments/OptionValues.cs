using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>Values of options as text.</summary>
internal static class OptionValues
{
    private static readonly string[] Auto = ["auto", "none", "null"];

    /// <summary>What a flag's text means, as JSON.</summary>
    /// <exception cref="UsageException">It is no value of the option; the message says what is.</exception>
    public static JsonNode? Parse(LibraryOption option, string text)
    {
        var type = OptionTypes.Plain(option.Type);
        if (Scalar(type, text) is { } value) return value;
        if (option.CanBeNull && Auto.Contains(text, StringComparer.OrdinalIgnoreCase)) return null;
        if (OptionTypes.IsPart(type)) return Part(option, type, text);
        if (Several(type, text) is { } list) return list;
        throw new UsageException($"--{option.Name} is '{text}'; expected {Expected(option, type)}.");
    }

    /// <summary>The type of a list's elements; null for what is no list.</summary>
    public static Type? ElementOf(Type type) => type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
            ? type.GetGenericArguments()[0] : null;

    /// <summary>A part by the name of its kind, or of a value that the library has, or made of a text.</summary>
    public static JsonObject? NamedPart(Type type, string text)
    {
        var kind = OptionTypes.Kinds(type).FirstOrDefault(kind => Names.Same(kind.Name, text));
        if (kind.Type is not null && kind.Type.GetConstructor([]) is not null)
            return OptionJson.Write(Activator.CreateInstance(kind.Type)!, type);
        if (text.Equals("default", StringComparison.OrdinalIgnoreCase) && type.GetConstructor([]) is not null
            && !type.IsAbstract)
            return OptionJson.Write(Activator.CreateInstance(type)!, type);
        var named = OptionTypes.Named(type).FirstOrDefault(entry => Names.Same(entry.Key, text));
        if (named.Value is not null) return OptionJson.Write(named.Value(), type);
        return OptionTypes.OfText(type)?.Invoke([text]) is { } made ? OptionJson.Write(made, type) : null;
    }

    /// <summary>The names that a part may have.</summary>
    public static IEnumerable<string> PartNames(Type type) =>
        (type.IsAbstract ? OptionTypes.Kinds(type).Select(kind => kind.Name) : type.GetConstructor([]) is null ? []
            : ["default"])
        .Concat(OptionTypes.Named(type).Keys);

    private static JsonObject Part(LibraryOption option, Type type, string text)
    {
        if (text.TrimStart().StartsWith('{'))
        {
            try
            {
                return OptionJson.Canonical((JsonObject)JsonNode.Parse(text)!, type, $"--{option.Name}");
            }
            catch (JsonException e)
            {
                throw new UsageException($"--{option.Name} is no JSON object: {e.Message}");
            }
        }
        return NamedPart(type, text) ?? throw new UsageException(
            $"--{option.Name} is '{text}'; expected one of {string.Join(", ", PartNames(type))}, or a JSON object.");
    }

    private static JsonValue? Scalar(Type type, string text)
    {
        var invariant = CultureInfo.InvariantCulture;
        if (type == typeof(string)) return JsonValue.Create(text);
        if (type == typeof(bool)) return bool.TryParse(text, out bool truth) ? JsonValue.Create(truth) : null;
        if (type.IsEnum)
            return Enum.GetNames(type).FirstOrDefault(name => Names.Same(name, text)) is { } name
                ? JsonValue.Create(name) : null;
        if (type == typeof(int) || type == typeof(long))
            return long.TryParse(text, NumberStyles.AllowLeadingSign, invariant, out long whole)
                && (type == typeof(long) || whole is >= int.MinValue and <= int.MaxValue) ? JsonValue.Create(whole)
                    : null;
        if (type == typeof(double) || type == typeof(float))
            return double.TryParse(text, NumberStyles.Float, invariant, out double number) && double.IsFinite(number)
                ? JsonValue.Create(number) : null;
        if (type == typeof(TimeSpan))
            return CheckpointIntervals.Time(text) is { } time ? JsonValue.Create(time.ToString("c")) : null;
        if (type == typeof(CheckpointInterval))
            return CheckpointIntervals.Parse(text) is null ? null : JsonValue.Create(text);
        return null;
    }

    private static JsonArray? Several(Type type, string text)
    {
        var parts = text.Trim('[', ']', '(', ')').Split(',',
            StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Type[] types = ElementOf(type) is { } element ? [.. parts.Select(_ => element)]
            : typeof(ITuple).IsAssignableFrom(type) ? type.GetGenericArguments() : [];
        if (types.Length == 0 || types.Length != parts.Length) return null;
        var values = parts.Zip(types, (part, of) => Scalar(of, part)).ToArray();
        return values.Contains(null) ? null : new JsonArray([.. values]);
    }

    private static string Expected(LibraryOption option, Type type)
    {
        string expected = type == typeof(bool) ? "true or false"
            : type.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(type).Select(Names.Kebab))}"
            : type == typeof(int) || type == typeof(long) ? "a whole number"
            : type == typeof(double) || type == typeof(float) ? "a number, with a point for its decimals"
            : type == typeof(CheckpointInterval) ? "such as '10 minutes', '500 steps' or '1 epoch'"
            : type == typeof(TimeSpan) ? "such as '90 minutes' or '1:30:00'"
            : typeof(ITuple).IsAssignableFrom(type) ? $"{type.GetGenericArguments().Length} numbers with commas between"
            : "values with commas between";
        return option.CanBeNull ? expected + ", or auto" : expected;
    }
}
