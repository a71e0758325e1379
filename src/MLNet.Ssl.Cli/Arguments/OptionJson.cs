using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>Option records as JSON: every option under its name, in camel case.</summary>
internal static class OptionJson
{
    private const string Kind = "kind";

    private static readonly JsonSerializerOptions Json = new(BackboneJson.Options)
    {
        Converters = { new TupleConverter(), new CheckpointIntervals() },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { Backbones.Describe, Describe } },
    };

    /// <summary>A record, or a part of one that is declared as <paramref name="type"/>.</summary>
    public static JsonObject Write(object record, Type type) =>
        (JsonObject)JsonSerializer.SerializeToNode(record, type, Json)!;

    /// <summary>The record that JSON describes; what it does not name is as the record has it by itself.</summary>
    /// <exception cref="UsageException">A value does not fit; the message names it.</exception>
    public static object Read(JsonObject json, Type type)
    {
        try
        {
            return json.Deserialize(type, Json)!;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw new UsageException($"The options are refused: {e.Message}");
        }
    }

    /// <summary>The same object with its keys as the records have them, and parts in the place of their
    /// names.</summary>
    /// <param name="json">What a user wrote: keys in any case, with dashes or without.</param>
    /// <param name="type">The record, or what a part is declared as.</param>
    /// <param name="where">What it is called in messages.</param>
    /// <exception cref="UsageException">A key or the name of a part is not known; the message lists those that
    /// are.</exception>
    public static JsonObject Canonical(JsonObject json, Type type, string where)
    {
        var canonical = new JsonObject();
        var kinds = OptionTypes.Kinds(type);
        if (json.FirstOrDefault(entry => Names.Same(entry.Key, Kind)).Value is { } told)
        {
            string name = told.ToString();
            var kind = kinds.FirstOrDefault(kind => Names.Same(kind.Name, name));
            if (kind.Type is null)
                throw new UsageException(
                    $"{where}.{Kind} is '{name}'; expected one of {string.Join(", ", kinds.Select(k => k.Name))}.");
            kinds = [kind];
            if (type.IsAbstract) canonical[Kind] = kind.Name;
        }
        else if (type.IsAbstract)
            throw new UsageException(
                $"{where} has no '{Kind}'; expected one of {string.Join(", ", kinds.Select(k => k.Name))}.");
        var known = OptionTypes.Settable(kinds[0].Type).ToList();
        foreach (var (key, value) in json)
        {
            if (Names.Same(key, Kind)) continue;
            var option = known.FirstOrDefault(option => Names.Same(option.Name, key))
                ?? throw Unknown(key, where, known.Select(o => o.Name));
            string name = JsonNamingPolicy.CamelCase.ConvertName(option.Name);
            if (canonical.ContainsKey(name)) throw new UsageException($"{where}.{key} is there twice.");
            canonical[name] = Value(value, option.PropertyType, $"{where}.{key}");
        }
        return canonical;
    }

    private static JsonNode? Value(JsonNode? value, Type type, string where)
    {
        if (value is null || !OptionTypes.IsPart(type)) return value?.DeepClone();
        if (value is JsonObject part) return Canonical(part, type, where);
        return OptionValues.NamedPart(type, value.ToString()) ?? throw new UsageException(
            $"{where} is '{value}'; expected one of {string.Join(", ", OptionValues.PartNames(type))}, or an object.");
    }

    private static UsageException Unknown(string key, string where, IEnumerable<string> known)
    {
        var names = known.Select(name => JsonNamingPolicy.CamelCase.ConvertName(name)).ToList();
        var like = Names.Like(key, names);
        return new($"{where} has no option '{key}'; "
            + (like.Count > 0 ? $"did you mean {string.Join(" or ", like)}?" : $"it has {string.Join(", ", names)}."));
    }

    private static bool IsOfRows(Type option) =>
        option == typeof(OnlineEvaluation) || option == typeof(ClassifierValidation);

    private static void Describe(JsonTypeInfo info)
    {
        if (info.Type is { IsAbstract: true } type && type != typeof(BackboneOptions) && OptionTypes.IsPart(type))
        {
            info.PolymorphismOptions = new() { TypeDiscriminatorPropertyName = Kind };
            foreach (var (name, of) in OptionTypes.Kinds(type)) info.PolymorphismOptions.DerivedTypes.Add(
                new(of, name));
        }
        for (int i = info.Properties.Count - 1; i >= 0; i--)
        {
            var property = info.Properties[i].PropertyType;
            // Rows to evaluate on are named beside the options.
            if (!OptionTypes.IsWritable(property) || IsOfRows(property)) info.Properties.RemoveAt(i);
        }
    }
}
