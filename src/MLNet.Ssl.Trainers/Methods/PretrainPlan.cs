using MLNet.Ssl.Data;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>A run of pretraining before it begins: what it was told, what it will do, and
/// what was chosen on the way.</summary>
internal sealed record PretrainPlan(
    PretrainOptions Options, PretrainSettings Settings, MethodPlan Method, IReadOnlyList<Choice> Choices)
{
    /// <summary>Every option that what is learned depends on, as text by name.</summary>
    public SortedDictionary<string, string> OptionTexts { get; } =
        OptionText.Of(Options, Choices.ToDictionary(choice => choice.Option, choice => choice.Value));

    /// <summary>What observers are told of the options: those that apply to this data, and a network by its usual
    /// name.</summary>
    private SortedDictionary<string, string> ToldOptions
    {
        get
        {
            var told = OptionText.Of(
                Options, Choices.ToDictionary(choice => choice.Option, choice => choice.Value), forReaders: true);
            foreach (string name in told.Keys.Where(name => !Applies(name.Split('.')[0])).ToList()) told.Remove(name);
            told[nameof(Options.MethodName)] = Options.MethodName;
            told[nameof(Options.Backbone)] = Settings.Backbone.Describe();
            return told;
        }
    }

    private bool Applies(string option) => option switch
    {
        nameof(Options.Table) => Settings.Table is not null,
        nameof(Options.ImageSize) or nameof(Options.MaxShorterSide) or nameof(Options.ApplyExifOrientation) =>
            Settings.Table is null,
        _ => true,
    };

    /// <summary>The seed that everything random follows from.</summary>
    public ulong Seed => SplitMix64.Hash((ulong)Settings.Seed);

    /// <summary>The seed of the views.</summary>
    public ulong ViewSeed => SplitMix64.Hash(Seed, 3);

    /// <summary>What observers are told.</summary>
    public RunDescription Description =>
        new($"Pretraining with {Options.MethodName}", ToldOptions, Choices, Method.Views, ViewSeed, Settings.Threads);

    /// <summary>Resolves and checks the options.</summary>
    /// <exception cref="ArgumentException">An option is out of its range, or not for this
    /// data; the message names it.</exception>
    public static PretrainPlan Of(PretrainOptions options, DataFacts facts, Choices choices)
    {
        options.CheckLimits();
        options.CheckInput(facts);
        if (options.MethodReason is { } reason) choices.Note(options.MethodName, reason, nameof(options.MethodName));
        var context = new PlanContext(options, facts, choices);
        var method = options.Plan(context);
        if (context.Settings is not { } settings || (facts.Table is null && method.Views.Count == 0))
        {
            throw new InvalidOperationException(
                $"{options.GetType().Name}.Plan must call PlanContext.Resolve and return a plan with the views of an "
                + "image.");
        }
        if (facts.Table is null)
            foreach (var view in method.Views) view.Validate();
        options.Evaluation?.Validate(facts);
        return new(options, settings, method, choices.Made);
    }

    /// <summary>Builds the method.</summary>
    public Method CreateMethod(Generator generator, Device device, int shards) =>
        Method.Create(new(generator, device, shards) { Precision = Settings.Precision });
}
