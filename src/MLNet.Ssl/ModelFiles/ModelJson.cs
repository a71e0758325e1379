using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MLNet.Ssl.ModelFiles;

/// <summary>How descriptions become JSON: closed lists of kinds, no name of a type, nothing unknown or left out.</summary>
internal static class ModelJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        MaxDepth = 256,
        IgnoreReadOnlyProperties = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        AllowDuplicateProperties = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { NameBackbones } },
    };

    private static void NameBackbones(JsonTypeInfo info)
    {
        if (info.Type != typeof(BackboneOptions)) return;
        info.PolymorphismOptions = new()
        {
            TypeDiscriminatorPropertyName = "kind",
            DerivedTypes =
            {
                new(typeof(VisionTransformerOptions), "vision-transformer"),
                new(typeof(ResNetOptions), "resnet"),
                new(typeof(TabularMlpOptions), "tabular-mlp"),
            },
        };
    }
}
