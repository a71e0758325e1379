using System.Reflection;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What options become: planned for some data, and filled in, so that each value can
/// be looked at by its name.</summary>
internal static class Planned
{
    public static PretrainPlan For(this PretrainOptions options, DataFacts facts) =>
        PretrainPlan.Of(options, facts, new());

    /// <summary>The options with what was chosen in the place of each Auto; receives
    /// every choice as a sentence.</summary>
    public static T Resolve<T>(this T options, DataFacts facts, ICollection<string> said) where T : PretrainOptions
    {
        var plan = options.For(facts);
        foreach (var choice in plan.Choices) said.Add(choice.ToString());
        var filled = (T)(options with { Seed = plan.Settings.Seed });
        foreach (var choice in plan.Choices) Set(filled, choice.Option, choice.Value);
        return filled;
    }

    /// <summary>Refuses what is out of range.</summary>
    public static void Validate(this PretrainOptions options, DataFacts facts) => options.For(facts);

    /// <summary>Of options that have been resolved, which need no data any more.</summary>
    public static Method CreateMethod(this PretrainOptions resolved, Generator generator, Device device, int shards) =>
        resolved.Again().CreateMethod(generator, device, shards);

    public static OptimizationPlan CreatePlan(this PretrainOptions resolved) => resolved.Again().Method.Optimization;

    public static IReadOnlyList<ViewRecipe> ImageViews(this PretrainOptions resolved) => resolved.Again().Method.Views;

    public static MlpHeadOptions Head(this MoCoOptions resolved) =>
        resolved.Head(resolved.Backbone!, resolved.HeadBatchNorm!.Value);

    public static MlpHeadOptions Projector(this ByolOptions resolved) =>
        resolved.Projector(resolved.Backbone!, resolved.HeadHiddenDimension!.Value, resolved.HeadBatchNorm!.Value);

    public static MlpHeadOptions Predictor(this ByolOptions resolved) =>
        resolved.Projector() with { InputDimension = resolved.ProjectionDimension };

    private static PretrainPlan Again(this PretrainOptions resolved)
    {
        TableFacts? table = null;
        if (resolved.Backbone is TabularMlpOptions mlp)
        {
            int columns = mlp.InputGroups!.Sum();
            table = new(columns, [.. Enumerable.Range(0, columns)], []);
        }
        return resolved.For(new(int.MaxValue, resolved.ImageSize ?? 0, 1) { Table = table });
    }

    private static void Set(object part, string option, object value)
    {
        int dot = option.IndexOf('.', StringComparison.Ordinal);
        var property = part.GetType().GetProperty(dot < 0 ? option : option[..dot])!;
        if (dot < 0)
        {
            property.SetValue(part, value);
            return;
        }
        var copy = Clone(property.GetValue(part)!);
        Set(copy, option[(dot + 1)..], value);
        property.SetValue(part, copy);
    }

    private static object Clone(object record) =>
        record.GetType().GetMethod("<Clone>$", BindingFlags.Public | BindingFlags.Instance)!.Invoke(record, null)!;
}
