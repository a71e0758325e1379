using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public class TablePretrainingTests
{
    private static readonly TabularMlpOptions Mlp = new() { InputWidth = 16, HiddenWidths = [32], OutputWidth = 64 };

    private static readonly MoCoOptions MoCo = new()
    {
        Backbone = Mlp,
        Epochs = 3,
        BatchSize = 64,
        Seed = 1,
        Threads = 1,
        Mixing = new IMixOptions { Alpha = 2 },
    };

    private static readonly MaskedReconstructionOptions Reconstruction =
        new() { Backbone = Mlp, Epochs = 30, BatchSize = 128, LearningRate = 0.01, Seed = 1, Threads = 1 };

    public static TheoryData<string, PretrainOptions> Methods => new()
    {
        { "MoCo", MoCo with { Mixing = null } },
        { "MoCo, i-Mix", MoCo },
        { "MoCo, i-Mix, InputMix", MoCo with { Mixing = new IMixOptions { InputMix = new() } } },
        { "MoCo v3", new MoCoV3Options { Backbone = Mlp, Epochs = 3, BatchSize = 64, Seed = 1, HeadHiddenDimension = 32,
            ProjectionDimension = 16 } },
        { "N-pair, i-Mix", new SimClrOptions { Backbone = Mlp, Epochs = 3, BatchSize = 64, Seed = 1,
            Loss = SimClrLoss.NPair, Mixing = new IMixOptions() } },
        { "SimCLR", new SimClrOptions { Backbone = Mlp, Epochs = 3, BatchSize = 64, Seed = 1 } },
        { "SCARF", new SimClrOptions { Backbone = Mlp, Epochs = 3, BatchSize = 64, Seed = 1,
            Table = new() { MaskProbability = 0, ResampleProbability = 0.6 } } },
        { "masked reconstruction", Reconstruction with { Epochs = 3 } },
        { "masked reconstruction, numbers in bins", Reconstruction with { Epochs = 3,
            Backbone = Mlp with { NumberEmbedding = NumberEmbedding.PiecewiseLinear } } },
        { "masked reconstruction, quantiles", Reconstruction with { Epochs = 3, Table = new() { Quantiles = 100 } } },
        { "MoCo, i-Mix, reconstruction", MoCo with { ReconstructionWeight = 1 } },
        { "BYOL, i-Mix", new ByolOptions { Backbone = Mlp, Epochs = 3, BatchSize = 64, Seed = 1,
            HeadHiddenDimension = 32, Mixing = new IMixOptions() } },
    };

    [Theory]
    [MemberData(nameof(Methods))]
    public void EveryMethodTrainsOnRowsAndTheSameSeedGivesTheSameWeights(string method, PretrainOptions options)
    {
        using var table = Draw(256, 1).Table;
        float[] first = Embeddings(table, options), untrained = Embeddings(table, options with { Epochs = 0 });
        Assert.True(first.All(float.IsFinite), method);
        Assert.Equal(first, Embeddings(table, options));
        Assert.NotEqual(first, untrained);
    }

    [Fact]
    public void AMethodThatWasChosenIsAChoiceAndTheSameRun()
    {
        var facts = new DataFacts(256, 0, 1) { Table = new(12, [.. Enumerable.Range(0, 12)], []) };
        var (asked, chosen) = (Reconstruction.For(facts), (Reconstruction with { MethodReason = "why" }).For(facts));
        Assert.Equal(new Choice("MethodName", "masked reconstruction", "why"), chosen.Choices[0]);
        Assert.Equal(asked.Choices.Select(c => c.ToString()), chosen.Choices.Skip(1).Select(c => c.ToString()));
        Assert.Equal("masked reconstruction", chosen.OptionTexts["MethodName"]);
        Assert.Equal(asked.OptionTexts, chosen.OptionTexts);
        Assert.Contains(chosen.Choices[0], chosen.Description.Choices);
    }

    [Fact]
    public void RowsOfATableAreEmbeddedInPieces()
    {
        using var scope = NewDisposeScope();
        using var table = Draw(256, 1).Table;
        using var encoder = Pretrainer.Fit(table, MoCo with { Epochs = 1 });
        int[] rows = [.. Enumerable.Range(0, table.Count).Reverse()];
        var whole = encoder.Embed(table, rows);
        Assert.True(whole.allclose(encoder.Embed(table, rows, rowsAtATime: 100), 1e-4, 1e-6));
        Assert.True(whole.allclose(encoder.Embed(table).flip(0), 1e-4, 1e-6));
        Assert.NotEqual(whole[0][0].ToSingle(), whole[255][0].ToSingle());
    }

    [Fact]
    public void IMixLearnsWhatAnUntrainedEncoderDoesNotSee()
    {
        var options = MoCo with { Epochs = 30, BatchSize = 128, Table = new() { MaskProbability = 0.3 } };
        SomeSeed.Reaches(0.1, 1, seed => Gain(options with { Seed = seed }));
    }

    [Fact]
    public void MaskedReconstructionLearnsWhatAnUntrainedEncoderDoesNotSee()
    {
        SomeSeed.Reaches(0.1, 1, seed => Gain(Reconstruction with { Seed = seed }));
        Assert.Contains("learns from rows of a table",
            Assert.Throws<ArgumentException>(() =>
                Pretrainer.Fit(Patterns.Draw(8, 1).Images, new MaskedReconstructionOptions())).Message);
    }

    [Fact]
    public void WhatIsLeftAtAutoIsScaledToTheTableAndSaid()
    {
        using var table = Draw(300, 1).Table;
        var messages = new List<string>();
        using var encoder = Pretrainer.Fit(table, new MoCoOptions { Mixing = new IMixOptions(), Epochs = 1, Seed = 1 },
            log: m => messages.Add(m.Text));
        Assert.Equal((Columns, 256), (encoder.Columns, encoder.EmbeddingDimension));
        Assert.All(new[] { "BatchSize = 72: of 300 rows", "QueueLength = 144", "Backbone = MLP of 256, 256, 512, 512",
            "Table.ContinuousSlots = 0–23: of 26",
                "Table.CategoricalSlots = [24..26]: one and only one" },
            part => Assert.Contains(messages, m => m.Contains(part, StringComparison.Ordinal)));
    }

    public static TheoryData<PretrainOptions, string> Invalid => new()
    {
        { MoCo with { BatchSize = 5000 }, "BatchSize is 5000" },
        { MoCo with { ImageSize = 32 }, "ImageSize is 32" },
        { MoCo with { Backbone = ResNetOptions.ResNet18() }, "which takes images" },
        { MoCo with { Backbone = Mlp with { InputGroups = [10, 4] } }, "14 slots in all; rows have 26" },
        { MoCo with { Mixing = new IMixOptions { Mixer = Mixer.CutMix } }, "must be Mixup" },
        { MoCo with { Table = new() { MaskProbability = 1 } }, "Table.MaskProbability is 1" },
        { MoCo with { Table = new() { ContinuousSlots = [26] } }, "slots 0 to 25" },
        { MoCo with { Table = new() { Quantiles = 1 } }, "Table.Quantiles is 1" },
        { MoCo with { Table = new() { Quantiles = 100, Standardize = false } }, "Table.Standardize is false" },
        { MoCo with { Table = new() { ResampleProbability = 1 } }, "Table.ResampleProbability is 1" },
        { MoCo with { Table = new() { CategoricalSlots = [24..27] } },
            "Table.CategoricalSlots has 24..27; expected ranges of the slots 0 to 25" },
        { MoCo with { Table = new() { CategoricalSlots = [24..26, 24..25] } }, "Table.CategoricalSlots has 24..25" },
        { MoCo with { Table = new() { CategoricalSlots = [23..26] } },
            "Slot 23 is in Table.ContinuousSlots and in 23..26" },
        { MoCo with { ReconstructionWeight = -1 }, "ReconstructionWeight is -1" },
        { Reconstruction with { ValueWeight = -1 }, "ValueWeight is -1" },
        { Reconstruction with { HeadLayers = 0 }, "HeadLayers is 0" },
        { new DinoOptions(), "DINO learns from views of images; for rows of a table take masked reconstruction" },
        { new MoCoV3Options { Backbone = Mlp, Mixing = new SdmpOptions() }, "take i-Mix" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void WhatDoesNotSuitATableIsNamedBeforeTraining(PretrainOptions options, string named)
    {
        using var table = Draw(128, 1).Table;
        Assert.Contains(named, Assert.ThrowsAny<ArgumentException>(() => Pretrainer.Fit(table, options)).Message);
    }

    [Fact]
    public void ConstantSlotsAreWarnedOfAndATableOfThemIsRefused()
    {
        var messages = new List<TrainingMessage>();
        var random = new Random(1);
        using var some =
            new TableStore(Enumerable.Range(0, 300).Select(i => i % 3 == 1 ? 5f : random.NextSingle()).ToArray(), 3);
        using var encoder = Pretrainer.Fit(some, MoCo with { BatchSize = 32 }, log: messages.Add);
        Assert.Contains(messages, m => m.IsWarning && m.Text.Contains(
            "1 of 3 slots are constant and tell nothing (was every value missing?): 1.", StringComparison.Ordinal));
        using var all = new TableStore(Enumerable.Repeat(1f, 300).ToArray(), 3);
        Assert.Contains("All 3 slots are constant",
            Assert.Throws<ArgumentException>(() => Pretrainer.Fit(all, MoCo)).Message);
        using var one = new TableStore(new float[] { 1, 2 }, 2);
        Assert.Contains("there is 1 training row",
            Assert.Throws<ArgumentException>(() => Pretrainer.Fit(one, MoCo)).Message);
        Assert.Contains("takes rows of a table",
            Assert.Throws<ArgumentException>(() => Pretrainer.Fit(Patterns.Draw(8, 1).Images, MoCo)).Message);
    }

    [Fact]
    public void HugeValuesAreStandardisedAndThoseBeyondSinglePrecisionRefusedByName()
    {
        var random = new Random(1);
        float[] Values(float scale) => [.. Enumerable.Range(0, 256)
            .Select(i => i % 2 == 0 ? random.NextSingle() : scale * (random.NextSingle() - 0.5f))];
        using var huge = new TableStore(Values(1e30f), 2);
        Assert.True(Embeddings(huge, MoCo with { BatchSize = 32 }).All(float.IsFinite));
        using var beyond = new TableStore(Values(3.4e38f), 2);
        Assert.Contains("Slot 1 has values up to",
            Assert.Throws<ArgumentException>(() => Pretrainer.Fit(beyond, MoCo with { BatchSize = 32 })).Message);
    }

    [Fact]
    public void SlotsLeftAsTheyAreAreWarnedOfWhereTheyAreFarFromStandardised()
    {
        using var table = Draw(256, 1).Table;
        List<string> Warnings(PretrainOptions options, TableStore of)
        {
            var messages = new List<string>();
            using var encoder =
                Pretrainer.Fit(of, options with { Epochs = 0 }, log: m => { if (m.IsWarning) messages.Add(m.Text); });
            return messages;
        }
        var raw = MoCo with { Table = new() { Standardize = false } };
        Assert.Contains("slots 1–23 are far from mean 0 and deviation 1 (slot 1: mean",
            Assert.Single(Warnings(raw, table)));
        Assert.Empty(Warnings(MoCo, table));
        using var scope = NewDisposeScope();
        var facts = TableFacts.Of(table);
        using var standardised = new TableStore(TablePreprocessing.Standardize(table, facts, facts.Continuous)
            .Apply(table.Values).data<float>().ToArray(), table.Columns);
        Assert.Empty(Warnings(raw, standardised));
    }

    public static TheoryData<PretrainOptions> CovTypePresets => [
        Presets.CovTypeMoCo,
        Presets.CovTypeMoCoIMix,
        Presets.CovTypeNPair,
        Presets.CovTypeNPairIMix,
        Presets.CovTypeByol,
        Presets.CovTypeByolIMix];

    public static TheoryData<PretrainOptions> HiggsPresets =>
        [Presets.HiggsMoCo, Presets.HiggsMoCoIMix, Presets.HiggsNPair, Presets.HiggsNPairIMix];

    [Theory]
    [MemberData(nameof(CovTypePresets))]
    public void PublishedSettingsOfCovTypeAreThePapers(PretrainOptions preset)
    {
        var facts = new DataFacts(15_120, 0, 2) { Table = new(54, [.. Enumerable.Range(0, 10)], []) };
        var o = Published(preset, facts, alpha: 2);
        Assert.Equal(o.Mixing is not null && o is not SimClrOptions ? 0 : 0.2, o.Table.MaskProbability);
    }

    [Theory]
    [MemberData(nameof(HiggsPresets))]
    public void PublishedSettingsOfHiggsAreThePapers(PretrainOptions preset)
    {
        var facts = new DataFacts(100_000, 0, 2) { Table = new(28, [.. Enumerable.Range(0, 28)], []) };
        Assert.Equal(0.2, Published(preset, facts, alpha: 1).Table.MaskProbability);
    }

    private static PretrainOptions Published(PretrainOptions preset, DataFacts facts, double alpha)
    {
        var o = preset.Resolve(facts, []);
        o.Validate(facts);
        Assert.Equal((512, 500, 5, 0.125, OptimizerKind.Sgd, 2048),
            (o.BatchSize, o.Epochs, o.WarmupEpochs, o.LearningRate, o.Optimizer, o.Backbone!.EmbeddingDimension));
        if (o.Mixing is IMixOptions mixing) Assert.Equal((alpha, Mixer.Mixup), (mixing.Alpha, mixing.Mixer));
        double start = o.CreatePlan().LearningRate(new(0, 29, 500)),
            peak = o.CreatePlan().LearningRate(new(5 * 29, 29, 500));
        Assert.InRange(start, 1e-4, 0.01);
        Assert.Equal(0.25, peak, 0.001);
        // mlpbn: hidden width D, batch norm everywhere, 128 outputs; every parameter decays.
        MlpHeadOptions? head = null;
        switch (o)
        {
            case MoCoOptions moco:
                head = moco.Head();
                Assert.Equal((0.1, 4096, 0.999, 1, false),
                    (moco.Temperature, moco.QueueLength, moco.KeyMomentum, moco.BatchNormGroups, moco.Symmetric));
                break;
            case ByolOptions byol:
                head = byol.Projector();
                Assert.Equal((0.999, true, false, 1),
                    (byol.TargetMomentum, byol.ConstantMomentum, byol.Symmetric, byol.BatchNormGroups));
                Assert.Equal((128, 2048, 128, HeadOutputNorm.Affine), (byol.Predictor().InputDimension,
                    byol.Predictor().HiddenDimension, byol.Predictor().OutputDimension, byol.Predictor().OutputNorm));
                break;
            case SimClrOptions simClr:
                Assert.Equal((0.1, SimClrLoss.NPair), (simClr.Temperature, simClr.Loss));
                break;
        }
        if (head is not null) Assert.Equal((2048, 128, 2, true, HeadOutputNorm.Affine),
            (head.HiddenDimension, head.OutputDimension, head.Layers, head.BatchNorm, head.OutputNorm));
        Assert.Equal(1e-4, o.CreatePlan().WeightDecay(default));
        using var generator = new Generator(1, CPU);
        var small = o with { Backbone = ((TabularMlpOptions)o.Backbone) with { HiddenWidths = [8], OutputWidth = 32 } };
        using var method = small.CreateMethod(generator, CPU, 1);
        Assert.Equal([FlatParameters.Decayed], method.Parameters.Trainable.Select(g => g.Name));
        return o;
    }

    [Fact]
    public void ByolsHeadsAreIMixesOnTablesAndItsOwnOnImages()
    {
        var table = new DataFacts(1000, 0, 2) { Table = new(54, [0], []) };
        var rows = (ByolOptions)new ByolOptions().Resolve(table, []);
        Assert.Equal((256, HeadNormalization.All, OptimizerKind.Sgd, 0.125),
            (rows.HeadHiddenDimension, rows.HeadBatchNorm, rows.Optimizer, rows.LearningRate));
        var images = (ByolOptions)new ByolOptions().Resolve(new DataFacts(1000, 32, 2), []);
        Assert.Equal((4096, HeadNormalization.Hidden, HeadOutputNorm.None),
            (images.HeadHiddenDimension, images.HeadBatchNorm, images.Projector().OutputNorm));
    }

    [Fact]
    public void RowsOfAnotherWidthAreRefused()
    {
        using var table = Draw(128, 1).Table;
        using var encoder = Pretrainer.Fit(table, MoCo with { Epochs = 0 });
        Assert.Contains("Row 1 has 9 values; expected 26", Assert.Throws<ArgumentException>(() =>
            encoder.Embed([new float[26], new float[9]], new float[1000])).Message);
    }

    private const int Columns = 26, Signal = 8, Clusters = 4;

    /// <summary>
    /// Eight slots that tell of the class, each a little, among as many again of noise, in different units, and two
    /// indicators. Only what slots have in common outlives masking.
    /// </summary>
    private static (TableStore Table, long[] Labels) Draw(int rows, int seed)
    {
        var random = new Random(seed);
        double Normal() =>
            Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        var values = new float[rows * Columns];
        var labels = new long[rows];
        for (int i = 0; i < rows; i++)
        {
            labels[i] = random.Next(Clusters);
            double angle = labels[i] * Math.PI / 2 + 0.3 * Normal();
            for (int j = 0; j < Columns - 2; j++)
                values[i * Columns + j] =
                    (float)(((j < Signal ? 2 * Math.Cos(angle + j) : 0) + Normal()) * Math.Pow(10, j % 4) + 50 * j);
            values[(i + 1) * Columns - 2] = random.Next(2);
            values[(i + 1) * Columns - 1] = 1 - values[(i + 1) * Columns - 2];
        }
        return (new(values, Columns), labels);
    }

    private static Tensor Embed(TableEncoder encoder, TableStore table)
    {
        var result = new float[table.Count * encoder.EmbeddingDimension];
        encoder.Embed([.. table.Values.data<float>().ToArray().Chunk(table.Columns)], result);
        return tensor(result, [table.Count, encoder.EmbeddingDimension]);
    }

    /// <summary>Of the kNN, on rows that were not learned from.</summary>
    private static double Gain(PretrainOptions options) => Accuracy(options) - Accuracy(options with { Epochs = 0 });

    private static double Accuracy(PretrainOptions options)
    {
        using var scope = NewDisposeScope();
        var (train, test) = (Draw(1024, 1), Draw(512, 2));
        using var encoder = Pretrainer.Fit(train.Table, options);
        using var knn = new WeightedKnn(Embed(encoder, train.Table), tensor(train.Labels), Clusters);
        return knn.Score(Embed(encoder, test.Table)).argmax(1).eq(tensor(test.Labels)).to(float32).mean().ToSingle();
    }

    private static float[] Embeddings(TableStore table, PretrainOptions options)
    {
        using var scope = NewDisposeScope();
        using var encoder = Pretrainer.Fit(table, options);
        return Embed(encoder, table).data<float>().ToArray();
    }
}
