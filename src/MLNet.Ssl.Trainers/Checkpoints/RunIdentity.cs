using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using MLNet.Ssl.Options;
using MLNet.Ssl.Training;
using TorchSharp;

namespace MLNet.Ssl.Checkpoints;

/// <summary>What must be the same for a run to continue another bit by bit: resolved options, data, device and version, as names and values.</summary>
internal static class RunIdentity
{
    private const string None = "none";

    public static SortedDictionary<string, string> Of(PretrainOptions options, IViewSource data, DeviceType device)
    {
        var run = OptionsOf(options);
        run["Rows of the data"] = Text(data.Count);
        run["Fingerprint of the data"] = data.Fingerprint;
        run["Device"] = Text(device);
        run["Version of MLNet.Ssl"] = Text(typeof(RunIdentity).Assembly.GetName().Version);
        return run;
    }

    /// <summary>The options that what is learned depends on, by name; those of a part behind the part's name and a dot.</summary>
    public static SortedDictionary<string, string> OptionsOf(PretrainOptions options)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        AddMembers("", options, values);
        return values;
    }

    /// <summary>What differs, as "BatchSize was 64 and is 128"; empty if nothing does.</summary>
    public static IReadOnlyList<string> Differences(IReadOnlyDictionary<string, string> saved, IReadOnlyDictionary<string, string> now)
    {
        // Another method has other options: its name says it all.
        if (Differ(nameof(PretrainOptions.MethodName))) return [Describe(nameof(PretrainOptions.MethodName))];
        var common = now.Keys.Where(name => saved.ContainsKey(name) && Differ(name)).ToList();
        // Options of a part that is there in one of the two only are told by the part's own difference.
        var changed = common.Count > 0 ? common : [.. saved.Keys.Union(now.Keys).Where(Differ)];
        return [.. changed.Select(Describe)];

        bool Differ(string name) => saved.GetValueOrDefault(name) != now.GetValueOrDefault(name);
        string Describe(string name) => $"{name} was {Short(saved, name)} and is {Short(now, name)}";
    }

    private static string Short(IReadOnlyDictionary<string, string> run, string name)
    {
        string value = run.GetValueOrDefault(name) ?? None;
        return value.Length <= 60 ? value : value[..57] + "…";
    }

    private static void AddMembers(string prefix, object part, IDictionary<string, string> run)
    {
        foreach (var property in part.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.GetIndexParameters().Length > 0 || property.IsDefined(typeof(OutsideOfTheRunAttribute))) continue;
            Add(prefix + property.Name, property.GetValue(part), run);
        }
    }

    private static void Add(string name, object? value, IDictionary<string, string> run)
    {
        bool isRecord = value?.GetType().GetMethod("<Clone>$") is not null;
        run[name] = isRecord ? value!.GetType().Name : Text(value);
        if (isRecord) AddMembers(name + ".", value!, run);
    }

    private static string Text(object? value) => value switch
    {
        null => None,
        string text => text,
        ITuple tuple => $"({string.Join(", ", Enumerable.Range(0, tuple.Length).Select(i => Text(tuple[i])))})",
        IEnumerable values => $"[{string.Join(", ", values.Cast<object?>().Select(Text))}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? None,
    };
}
