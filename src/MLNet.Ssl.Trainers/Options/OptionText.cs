using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace MLNet.Ssl.Options;

/// <summary>Options as text by name: to tell runs apart, to report them, and to keep
/// them with what they trained.</summary>
internal static class OptionText
{
    /// <summary>What an option that is null is called.</summary>
    public const string None = "none";

    /// <summary>
    /// Every option of a record but those marked <see cref="OutsideOfTheRunAttribute"/>; those of a part, which is a
    /// record too, behind the part's name and a dot.
    /// </summary>
    /// <param name="options">The record.</param>
    /// <param name="chosen">What stands in the place of options, by name: those left at Auto.</param>
    /// <param name="forReaders">Leaves out what follows from the others: properties that cannot be set, and types of
    /// parts that can be of no other.</param>
    public static SortedDictionary<string, string> Of(
        object options, IReadOnlyDictionary<string, object> chosen, bool forReaders = false)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        AddMembers("", options);
        return values;

        void AddMembers(string prefix, object part)
        {
            foreach (var property in part.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
            {
                if (property.GetIndexParameters().Length > 0 || property.IsDefined(typeof(OutsideOfTheRunAttribute))
                    || (forReaders && !property.CanWrite))
                    continue;
                Add(prefix + property.Name, property.GetValue(part), property.PropertyType);
            }
        }

        void Add(string name, object? given, Type type)
        {
            var value = chosen.GetValueOrDefault(name) ?? given;
            bool isRecord = IsRecord(value);
            if (!isRecord || !forReaders || value!.GetType() != type)
                values[name] = isRecord ? value!.GetType().Name : Of(value);
            if (isRecord) AddMembers(name + ".", value!);
        }
    }

    /// <summary>One value, the same in every culture.</summary>
    public static string Of(object? value) => value switch
    {
        null => None,
        string text => text,
        ITuple tuple => $"({string.Join(", ", Enumerable.Range(0, tuple.Length).Select(i => Of(tuple[i])))})",
        IEnumerable values => $"[{string.Join(", ", values.Cast<object?>().Select(Of))}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? None,
    };

    private static bool IsRecord(object? value) => value?.GetType().GetMethod("<Clone>$") is not null;
}
