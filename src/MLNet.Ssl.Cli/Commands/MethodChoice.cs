using System.Text.Json;
using System.Text.Json.Nodes;
using MLNet.Ssl.Cli.Arguments;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>The method that a command line asks for, which decides what flags there are.</summary>
/// <param name="Type">Its options.</param>
/// <param name="Preset">Published settings to start from; null for none.</param>
/// <param name="File">Options of a JSON file; null for none.</param>
/// <param name="IsDefault">Whether the method was not named.</param>
internal sealed record MethodChoice(Type Type, object? Preset, JsonObject? File, bool IsDefault)
{
    public string Name => OptionTypes.Methods.First(method => method.Value == Type).Key;

    /// <summary>Looks for the flags --method, --preset and --options.</summary>
    /// <exception cref="UsageException">What is named is not known, or does not go together.</exception>
    public static MethodChoice Of(IReadOnlyList<string> arguments)
    {
        var file = Spelling.ValueOf(arguments, "--options") is { } path ? ReadFile(path) : null;
        string? method = Spelling.ValueOf(arguments, "--method") ?? Take(file, "method");
        string? preset = Spelling.ValueOf(arguments, "--preset") ?? Take(file, "preset");
        _ = Take(file, "method");
        _ = Take(file, "preset");
        var type = method is null ? null : OptionTypes.Methods.GetValueOrDefault(Names.Plain(method))
            ?? throw new UsageException(
                $"--method is '{method}'; expected one of {string.Join(", ", OptionTypes.Methods.Keys)}.");
        object? settings = preset is null ? null
            : OptionTypes.Preset(typeof(PretrainOptions), preset);
        if (settings is not null && type is not null && settings.GetType() != type)
            throw new UsageException(
                $"--preset {preset} is one of {Names.Plain(Names.OfRecord(settings.GetType()))}, and --method is "
                + $"{method}.");
        type ??= settings?.GetType();
        return new(type ?? typeof(SimClrOptions), settings, file, type is null);
    }

    /// <summary>The options of a JSON file.</summary>
    /// <exception cref="UsageException">It is no JSON object.</exception>
    public static JsonObject ReadFile(string path)
    {
        if (!System.IO.File.Exists(path)) throw new UsageException($"--options is '{path}'; there is no such file.");
        try
        {
            return JsonNode.Parse(System.IO.File.ReadAllText(path), documentOptions: new()
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
            }) as JsonObject ?? throw new UsageException($"--options: '{path}' is no JSON object.");
        }
        catch (JsonException e)
        {
            throw new UsageException($"--options: '{path}' is no JSON: {e.Message}");
        }
    }

    private static string? Take(JsonObject? file, string name)
    {
        if (file is null || file.FirstOrDefault(entry => Names.Same(entry.Key, name))
            is not { Key: { } key, Value: { } value }) return null;
        file.Remove(key);
        return value.ToString();
    }
}
