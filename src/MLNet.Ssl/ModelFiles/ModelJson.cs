using System.Text.Json;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl.ModelFiles;

/// <summary>How descriptions become JSON: closed lists of kinds, no name of a type,
/// nothing unknown or left out.</summary>
internal static class ModelJson
{
    public static JsonSerializerOptions Options => BackboneJson.Options;
}
