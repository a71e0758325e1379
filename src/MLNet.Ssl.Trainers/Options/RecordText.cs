using System.Collections;
using System.Globalization;
using System.Reflection;

namespace MLNet.Ssl.Options;

/// <summary>Records as text with the contents of their lists, where the compiler's own text has
/// the name of a list's type.</summary>
internal static class RecordText
{
    private const int MostItems = 10;

    /// <summary>Such as "IMixOptions { Alpha = 1, Layers = [0, 1] }", the same in every culture.</summary>
    public static string Of(object record)
    {
        var members = record.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetIndexParameters().Length == 0)
            .Select(property => $"{property.Name} = {Value(property.GetValue(record))}");
        return $"{record.GetType().Name} {{ {string.Join(", ", members)} }}";
    }

    private static string Value(object? value) => value switch
    {
        null => "null",
        string text => text,
        IEnumerable values => Items(values.Cast<object?>()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ when Entry(value) is { } entry => entry,
        _ => value.ToString() ?? "null",
    };

    private static string Items(IEnumerable<object?> values)
    {
        var items = values.ToList();
        string more = items.Count > MostItems ? $", … {items.Count} in all" : "";
        return $"[{string.Join(", ", items.Take(MostItems).Select(Value))}{more}]";
    }

    /// <summary>An entry of a dictionary; null for all else.</summary>
    private static string? Entry(object value)
    {
        var type = value.GetType();
        if (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(KeyValuePair<,>)) return null;
        return $"{Part("Key")}: {Part("Value")}";

        string Part(string name) => Value(type.GetProperty(name)!.GetValue(value));
    }
}
