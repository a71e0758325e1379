using System.Runtime.CompilerServices;
using MLNet.Ssl.Data;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl.Methods;

/// <summary>
/// What a method's options are planned with: facts of the data, and choices for what was left at Auto, each of which is
/// logged, reported and kept with the run.
/// </summary>
public sealed class PlanContext
{
    // A ResNet-50 at 224 pixels takes ten times the work of what is chosen for a processor.
    private const int MostPixelsOnProcessor = 96;

    private const int MostQuantiles = 100_000;

    private readonly PretrainOptions _options;
    private readonly DataFacts _facts;
    private readonly Choices _choices;

    internal PlanContext(PretrainOptions options, DataFacts facts, Choices choices) =>
        (_options, _facts, _choices) = (options, facts, choices);

    /// <summary>What was resolved; null before.</summary>
    internal PretrainSettings? Settings { get; private set; }

    /// <summary>Training rows.</summary>
    public int Rows => _facts.Rows;

    /// <summary>Width of a table's rows; null for images.</summary>
    public int? Columns => _facts.Table?.Columns;

    /// <summary>Resolves the options that all methods have. Call it once, first.</summary>
    /// <param name="defaults">What the method has where the user gave nothing.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public PretrainSettings Resolve(MethodDefaults defaults)
    {
        ArgumentNullException.ThrowIfNull(defaults);
        var o = _options;
        Check.AtLeast(o.Epochs, 0, nameof(o.Epochs));
        int size = _facts.Table is null ? ImageSize() : 0;
        var backbone = _facts.Table is { } table ? TableBackbone(table, defaults.TableBackbone)
            : ImageBackbone(defaults, size);
        int usualBatch = _facts.Table is null ? defaults.BatchSize : Math.Max(defaults.BatchSize, 512);
        var settings = new PretrainSettings
        {
            Backbone = backbone,
            ImageSize = size,
            Table = _facts.Table is null ? null : Table(_facts.Table, defaults),
            Epochs = o.Epochs,
            BatchSize = _choices.BatchSize(o, usualBatch, _facts.Rows),
            WarmupEpochs = _choices.WarmupEpochs(
                o, defaults.WarmupEpochs ?? Math.Min(10, o.Epochs / 10),
                defaults.WarmupEpochs is null ? $"at most a tenth of {o.Epochs} epochs" : "as published"),
            Seed = _choices.Seed(o),
            Threads = _choices.Threads(o, _facts.Processors),
            Precision = _choices.Precision(o, defaults.BFloat16),
        };
        backbone.Validate();
        if (_facts.Table is null) CheckViewSize(backbone, size, o.ImageSize, nameof(o.ImageSize));
        else backbone.ValidateColumns(_facts.Table.Columns);
        CheckMixing(settings);
        return Settings = settings;
    }

    /// <summary>The option, or <paramref name="value"/> where it was left at Auto, which is then noted.</summary>
    /// <param name="given">The option itself, such as <c>Temperature</c>: its name is noted.</param>
    /// <param name="value">What Auto stands for here.</param>
    /// <param name="reason">Why, as the end of a sentence such as "for 5 000 rows".</param>
    /// <param name="option">The option's name; the compiler fills it in.</param>
    public T Choose<T>(
        T? given, T value, string reason, [CallerArgumentExpression(nameof(given))] string option = "")
        where T : struct =>
        _choices.Choose(given, value, reason, option);

    /// <inheritdoc cref="Choose{T}(T?, T, string, string)"/>
    public T Choose<T>(
        T? given, T value, string reason, [CallerArgumentExpression(nameof(given))] string option = "")
        where T : class =>
        _choices.Choose(given, value, reason, option);

    /// <summary>The optimiser that was given, or <paramref name="value"/>.</summary>
    /// <inheritdoc cref="Choose{T}(T?, T, string, string)"/>
    public OptimizerKind ChooseOptimizer(OptimizerKind value, string reason) =>
        _choices.Optimizer(_options, value, reason);

    /// <summary>The learning rate for a batch of 256 that was given, or <paramref name="value"/>.</summary>
    /// <inheritdoc cref="Choose{T}(T?, T, string, string)"/>
    public double ChooseLearningRate(double value, string reason) => _choices.LearningRate(_options, value, reason);

    /// <summary>Checks that a backbone takes views of the size that an option is, or that Auto chose for it.</summary>
    internal static void CheckViewSize(BackboneOptions backbone, int size, int? given,
        [CallerArgumentExpression(nameof(given))] string option = "")
    {
        try
        {
            backbone.ValidateViewSize(size);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"{option} is {size}{(given is null ? " by Auto" : "")}: {e.Message}", e);
        }
    }

    private int ImageSize()
    {
        string reason = $"the images' median shorter side is {_facts.MedianShorterSide}";
        int usual = _facts.DefaultImageSize;
        // A network that somebody chose is trained at the size that it was made for.
        if (_facts.IsOnProcessor && _options.Backbone is null && usual > MostPixelsOnProcessor)
            (usual, reason) = (MostPixelsOnProcessor, $"{reason}, and a processor trains");
        int patch = Math.Max(1, _options.Backbone?.SizeMultiple ?? 1);
        if (usual % patch != 0) usual = Math.Max(1, Math.Min(224, _facts.MedianShorterSide) / patch) * patch;
        int size = _choices.Choose(_options.ImageSize, usual, reason, nameof(_options.ImageSize));
        Check.AtLeast(size, 8, nameof(_options.ImageSize));
        return size;
    }

    private BackboneOptions ImageBackbone(MethodDefaults defaults, int size)
    {
        // On a processor no feature map is larger than that of 32 pixels in the published setting for small images.
        bool onProcessor = _facts.IsOnProcessor;
        BackboneOptions usual = size <= 64
            ? ResNetOptions.ResNet18(onProcessor && size > 32 ? ResNetStem.SmallStride2 : ResNetStem.Small)
            : onProcessor ? defaults.ProcessorBackbone : defaults.Backbone;
        usual = usual.WithZeroInitResidual(defaults.ZeroInitResidual);
        string reason = $"for images of {size} pixels{(onProcessor && size > 32 ? " on a processor" : "")}";
        return _choices.Choose(_options.Backbone, usual, reason, nameof(_options.Backbone));
    }

    private BackboneOptions TableBackbone(TableFacts table, BackboneOptions usual)
    {
        var given = _options.Backbone ?? usual;
        var filled = given.WithColumns(table.Columns);
        if (filled is TabularMlpOptions mlp)
            filled = mlp.WithNumericSlots(_options.Table.ContinuousSlots ?? table.Continuous);
        return filled == _options.Backbone
            ? given
            : _choices.Note(filled, $"for rows of {table.Columns} values", nameof(_options.Backbone));
    }

    private TableSettings Table(TableFacts facts, MethodDefaults defaults)
    {
        var o = _options.Table;
        var slots = _choices.Choose(
            o.ContinuousSlots, facts.Continuous, $"of {facts.Columns}, they have more than two different values",
            "Table.ContinuousSlots");
        double mask =
            _choices.Choose(o.MaskProbability, defaults.MaskProbability, "as published", "Table.MaskProbability");
        double resample = _choices.Choose(
            o.ResampleProbability, defaults.ResampleProbability, "the method's usual one", "Table.ResampleProbability");
        Check.Below(mask, 0, 1, "Table.MaskProbability");
        Check.Below(resample, 0, 1, "Table.ResampleProbability");
        foreach (int slot in slots)
        {
            if (slot >= 0 && slot < facts.Columns) continue;
            throw new ArgumentOutOfRangeException("Table.ContinuousSlots", slot,
                $"Table.ContinuousSlots has {slot}; rows have the slots 0 to {facts.Columns - 1}.");
        }
        CheckQuantiles(o);
        if (facts.Constant.Length == facts.Columns)
            throw new ArgumentException($"All {facts.Columns} slots are constant: there is nothing to learn from.");
        return new(mask, slots, o.Standardize)
        {
            ResampleProbability = resample,
            Quantiles = o.Quantiles,
            CategoricalSlots = Categories(facts, slots),
        };
    }

    private static void CheckQuantiles(TableOptions options)
    {
        const string name = "Table.Quantiles";
        if (options.Quantiles == 0) return;
        Check.InRange(options.Quantiles, 2, MostQuantiles, name);
        if (!options.Standardize)
            throw new ArgumentException(
                $"{name} is {options.Quantiles} and Table.Standardize is false; expected one of them to be left out.",
                name);
    }

    private IReadOnlyList<Range> Categories(TableFacts facts, IReadOnlyList<int> continuous)
    {
        const string name = "Table.CategoricalSlots";
        if (_options.Table.CategoricalSlots is not { } given)
        {
            var found = facts.Categories.Where(c =>
                !continuous.Any(slot => slot >= c.Start.Value && slot < c.End.Value)).ToList();
            if (found.Count == 0) return [];
            string reason = facts.CategoriesAreKnown
                ? "the column says that they are one-hot codes" : "one and only one of each range is set in every row";
            return _choices.Note<IReadOnlyList<Range>>(found, reason, name);
        }
        int before = 0;
        foreach (var category in given)
        {
            if (category.Start.IsFromEnd || category.End.IsFromEnd || category.Start.Value < before
                || category.End.Value <= category.Start.Value || category.End.Value > facts.Columns)
            {
                throw new ArgumentOutOfRangeException(name, category,
                    $"{name} has {category}; expected ranges of the slots 0 to {facts.Columns - 1}, in order and apart "
                    + "from each other.");
            }
            before = category.End.Value;
            int slot = continuous.FirstOrDefault(slot => slot >= category.Start.Value && slot < before, -1);
            if (slot >= 0)
                throw new ArgumentException($"Slot {slot} is in Table.ContinuousSlots and in {category} of {name}; "
                    + "expected one of them.", name);
        }
        return given;
    }

    private void CheckMixing(PretrainSettings settings)
    {
        if (_options.Mixing is not { } mixing) return;
        if (!_options.CanMixWith(mixing))
        {
            throw new ArgumentException(
                $"Mixing is {mixing.Name}, which {_options.MethodName} has no form of; {MixingOptions.Possible}.",
                nameof(_options.Mixing));
        }
        mixing.Validate(settings.BatchSize, settings.Backbone);
    }
}
