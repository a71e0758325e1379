using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MLNet.Ssl.Networks;

/// <summary>Backbones as JSON: of registered kinds, nothing unknown or left out.</summary>
internal static class BackboneJson
{
    private static readonly Lock Gate = new();
    private static (int Kinds, JsonSerializerOptions Options) _latest = (Backbones.Count, Create());

    /// <summary>For everything that holds a backbone.</summary>
    public static JsonSerializerOptions Options
    {
        get
        {
            lock (Gate)
            {
                if (_latest.Kinds != Backbones.Count) _latest = (Backbones.Count, Create());
                return _latest.Options;
            }
        }
    }

    public static string Write(BackboneOptions backbone)
    {
        // One line, as metadata are.
        return JsonSerializer.Serialize(backbone, new JsonSerializerOptions(Options) { WriteIndented = false });
    }

    /// <exception cref="InvalidDataException">It describes no backbone of a known kind.</exception>
    public static BackboneOptions Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<BackboneOptions>(json, Options)
                ?? throw new InvalidDataException("it describes no backbone.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"it describes no backbone that is known here: {e.Message}", e);
        }
    }

    private static JsonSerializerOptions Create() => new()
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
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { Backbones.Describe } },
    };
}
