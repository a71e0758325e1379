using System.Reflection;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>What reflection tells of the library's option records.</summary>
internal static class OptionTypes
{
    private static readonly Assembly Library = typeof(TrainingOptions).Assembly;

    /// <summary>The methods that pretrain, by their names on a command line.</summary>
    public static IReadOnlyDictionary<string, Type> Methods { get; } = Kinds(typeof(PretrainOptions))
        .ToDictionary(kind => Names.Plain(kind.Name), kind => kind.Type, StringComparer.Ordinal);

    /// <summary>The properties of a record that a command line can set, in the order of their declaration.</summary>
    public static IEnumerable<PropertyInfo> Settable(Type record)
    {
        var chain = new Stack<Type>();
        for (var type = record; type is not null && type != typeof(object); type = type.BaseType) chain.Push(type);
        return chain.SelectMany(type => type.GetProperties(
                BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(property => property.CanWrite && property.GetIndexParameters().Length == 0
                && IsWritable(property.PropertyType));
    }

    /// <summary>Whether values of a type can be written as text.</summary>
    public static bool IsWritable(Type type) => !typeof(Delegate).IsAssignableFrom(type)
        && type != typeof(CancellationToken)
        && !(type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IProgress<>));

    /// <summary>A type without the question mark.</summary>
    public static Type Plain(Type type) => Nullable.GetUnderlyingType(type) ?? type;

    /// <summary>Whether a type is a part: a record with options of its own.</summary>
    public static bool IsPart(Type type) =>
        type.IsClass && type != typeof(CheckpointInterval) && type.GetMethod("<Clone>$") is not null;

    /// <summary>What makes a part of one text, such as an image cache of its folder; null of most parts.</summary>
    public static ConstructorInfo? OfText(Type part) => part.GetConstructor([typeof(string)]);

    /// <summary>The records that can stand for a type, with the names that files and command lines have for
    /// them.</summary>
    public static IReadOnlyList<(string Name, Type Type)> Kinds(Type type)
    {
        if (type == typeof(BackboneOptions)) return [.. Backbones.Kinds.Select(kind => (kind.Key, kind.Value))];
        if (!type.IsAbstract) return [(Names.Kebab(Names.OfRecord(type)), type)];
        return [.. Library.GetExportedTypes().Where(other => other.IsSubclassOf(type) && !other.IsAbstract)
            .Select(other => (Names.Kebab(Names.OfRecord(other)), other))
                .OrderBy(kind => kind.Item1, StringComparer.Ordinal)];
    }

    /// <summary>Values of a type that the library has names for: presets, recipes, architectures.</summary>
    public static IReadOnlyDictionary<string, Func<object>> Named(Type type)
    {
        var named = new SortedDictionary<string, Func<object>>(StringComparer.Ordinal);
        const BindingFlags Static = BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly;
        // What a method's own record has, Presets has under a name that says the method.
        foreach (var holder in Library.GetExportedTypes().Where(type => !type.IsSubclassOf(typeof(PretrainOptions))))
        {
            foreach (var property in holder.GetProperties(Static))
                if (type.IsAssignableFrom(property.PropertyType))
                    named.TryAdd(property.Name, () => property.GetValue(null)!);
            foreach (var method in holder.GetMethods(Static))
            {
                if (method.IsSpecialName || method.IsGenericMethod
                    || !type.IsAssignableFrom(method.ReturnType)) continue;
                var parameters = method.GetParameters();
                if (parameters.All(parameter => parameter.HasDefaultValue))
                    named.TryAdd(method.Name,
                        () => method.Invoke(null, [.. parameters.Select(parameter => parameter.DefaultValue)])!);
            }
        }
        return named;
    }

    /// <summary>The published settings that --preset names.</summary>
    /// <exception cref="UsageException">There are none of that name; the message lists those there are.</exception>
    public static object Preset(Type type, string name)
    {
        var known = Named(type);
        return known.FirstOrDefault(preset => Names.Same(preset.Key, name)).Value?.Invoke()
            ?? throw new UsageException($"--preset is '{name}'; expected one of {string.Join(", ", known.Keys)}.");
    }
}
