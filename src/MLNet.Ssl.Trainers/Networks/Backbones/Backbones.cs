using System.Collections.Concurrent;
using System.Text.Json.Serialization.Metadata;

namespace MLNet.Ssl;

/// <summary>The kinds of backbones that files of models and weights may name; a file
/// cannot make any other type.</summary>
public static class Backbones
{
    private static readonly ConcurrentDictionary<string, Type> ByKind = new(StringComparer.Ordinal)
    {
        ["vision-transformer"] = typeof(VisionTransformerOptions),
        ["resnet"] = typeof(ResNetOptions),
        ["convnext"] = typeof(ConvNeXtOptions),
        ["tabular-mlp"] = typeof(TabularMlpOptions),
    };

    /// <summary>Makes a backbone of your own known, so that models with it can be saved and loaded; once when the
    /// program starts, before either.</summary>
    /// <typeparam name="TOptions">Its options. Their public properties with a setter are what
    /// a file keeps, as JSON.</typeparam>
    /// <param name="kind">The name that files have for it.</param>
    /// <exception cref="ArgumentException">The name is empty, or is that of another type, or the
    /// type has another name.</exception>
    public static void Register<TOptions>(string kind) where TOptions : BackboneOptions
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(kind);
        string? known = ByKind.FirstOrDefault(entry => entry.Value == typeof(TOptions)).Key;
        if (known is not null && known != kind)
            throw new ArgumentException($"{typeof(TOptions)} is registered as '{known}' already.", nameof(kind));
        if (ByKind.GetOrAdd(kind, typeof(TOptions)) is var type && type != typeof(TOptions))
            throw new ArgumentException($"The kind '{kind}' is {type}'s already.", nameof(kind));
    }

    internal static bool Knows(BackboneOptions options) => ByKind.Values.Contains(options.GetType());

    internal static int Count => ByKind.Count;

    /// <summary>The kinds by name, in the order of their names.</summary>
    internal static IEnumerable<KeyValuePair<string, Type>> Kinds =>
        ByKind.OrderBy(kind => kind.Key, StringComparer.Ordinal);

    /// <summary>Tells JSON the kinds; serializer options keep what they are told, so new ones are needed when
    /// <see cref="Count"/> grows.</summary>
    internal static void Describe(JsonTypeInfo info)
    {
        if (info.Type != typeof(BackboneOptions)) return;
        info.PolymorphismOptions = new() { TypeDiscriminatorPropertyName = "kind" };
        foreach (var (kind, type) in ByKind) info.PolymorphismOptions.DerivedTypes.Add(new(type, kind));
    }
}
