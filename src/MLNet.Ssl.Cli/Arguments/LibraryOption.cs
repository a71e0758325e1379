using System.Reflection;
using System.Runtime.CompilerServices;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>An option of a record, or of one of its parts, as a command line names it.</summary>
/// <param name="Path">Its name, behind the names of the parts that it stands in: Backbone, Width.</param>
/// <param name="Property">The option.</param>
/// <param name="Owners">The kinds of the part that have it; for an option of the record itself, the record.</param>
internal sealed record LibraryOption(IReadOnlyList<string> Path, PropertyInfo Property, IReadOnlyList<Type> Owners)
{
    public Type Type => Property.PropertyType;

    /// <summary>Such as "backbone.width".</summary>
    public string Name => string.Join('.', Path.Select(Names.Kebab));

    public bool IsOfPart => Path.Count > 1;

    public bool CanBeNull => !Type.IsValueType
        ? new NullabilityInfoContext().Create(Property).ReadState != NullabilityState.NotNull
        : Nullable.GetUnderlyingType(Type) is not null;

    /// <summary>Every option of a record and of its parts, those of a part behind the part.</summary>
    public static IReadOnlyList<LibraryOption> Of(Type record) => [.. Of([], [record])];

    /// <summary>What stands in the place of a value in the help.</summary>
    public string ValueName
    {
        get
        {
            var type = OptionTypes.Plain(Type);
            if (type == typeof(bool)) return "true|false";
            if (type.IsEnum) return string.Join('|', Enum.GetNames(type).Select(Names.Kebab));
            if (type == typeof(CheckpointInterval)) return "10 minutes|500 steps|1 epoch";
            if (type == typeof(TimeSpan)) return "90 minutes";
            if (typeof(ITuple).IsAssignableFrom(type))
                return string.Join(',', type.GetGenericArguments().Select((_, i) => "abcdefgh"[i]));
            if (type == typeof(string)) return Property.Name.EndsWith("Folder", StringComparison.Ordinal) ? "folder"
                : "text";
            if (OptionTypes.IsPart(type))
                return OptionTypes.OfText(type) is { } made ? Names.Kebab(made.GetParameters()[0].Name!) : "name";
            return OptionValues.ElementOf(type) is not null ? "a,b,…" : "number";
        }
    }

    /// <summary>What it is, with its default and range.</summary>
    public (string Summary, string Value) Doc => DocComments.Of(Property);

    private static IEnumerable<LibraryOption> Of(IReadOnlyList<string> path, IReadOnlyList<Type> records)
    {
        var owners = records.SelectMany(record => OptionTypes.Settable(record).Select(property => (record, property)))
            .GroupBy(entry => entry.property.Name);
        foreach (var options in owners)
        {
            var option = new LibraryOption([.. path, options.Key], options.First().property,
                [.. options.Select(entry => entry.record)]);
            yield return option;
            if (!OptionTypes.IsPart(option.Type)) continue;
            foreach (var inner in Of(option.Path, [.. OptionTypes.Kinds(option.Type).Select(kind => kind.Type)]))
                yield return inner;
        }
    }
}
