using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>The loss of masked reconstruction against its formulas, number by number in double precision.</summary>
public class MaskedReconstructionTests
{
    private const int Rows = 5, Columns = 7, Units = 4;

    // Slots 0, 4: numbers; 1 to 3 a category; 5 and 6 another one.
    private static readonly Range[] Categories = [1..4, 5..7];

    private static readonly int[] UnitOf = [0, 1, 1, 1, 2, 3, 3];

    private static (double[] Clean, double[] Corrupted, double[] Output) Draw()
    {
        var random = new Random(3);
        double[] Row()
        {
            int first = random.Next(3), second = random.Next(2);
            return [Math.Round(random.NextDouble(), 3), first == 0 ? 1 : 0, first == 1 ? 1 : 0, first == 2 ? 1
                : 0, Math.Round(random.NextDouble(), 3),
                second, 1 - second];
        }
        double[][] clean = [.. Enumerable.Range(0, Rows).Select(_ => Row())];
        double[][] corrupted = [.. clean.Select(row =>
            row.Zip(Row(), UnitOf).Select(v => v.Third % 2 == 0 ? v.First : v.Second).ToArray())];
        corrupted[1] = [.. clean[1]];
        // A row whose category is unknown: nothing of it is reconstructed.
        clean[4][1] = clean[4][2] = clean[4][3] = 0;
        return ([.. clean.SelectMany(v => v)], [.. corrupted.SelectMany(v => v)],
            [.. Enumerable.Range(0, Rows * (Units + Columns)).Select(_ => 4 * random.NextDouble() - 2)]);
    }

    private static double Naive(double[] output, double[] clean, double[] corrupted, double weight)
    {
        double mask = 0, value = 0;
        for (int row = 0; row < Rows; row++)
        {
            var o = output.AsSpan(row * (Units + Columns), Units + Columns).ToArray();
            var (x, y) =
                (clean.AsSpan(row * Columns, Columns).ToArray(), corrupted.AsSpan(row * Columns, Columns).ToArray());
            for (int unit = 0; unit < Units; unit++)
            {
                bool changed = Enumerable.Range(0, Columns).Any(slot => UnitOf[slot] == unit && x[slot] != y[slot]);
                double p = 1 / (1 + Math.Exp(-o[unit]));
                mask -= Math.Log(changed ? p : 1 - p);
            }
            foreach (int slot in new[] { 0, 4 }) value += Math.Pow(o[Units + slot] - x[slot], 2);
            foreach (var category in Categories)
            {
                int[] slots = [.. Enumerable.Range(category.Start.Value, category.End.Value - category.Start.Value)];
                double sum = slots.Sum(slot => Math.Exp(o[Units + slot]));
                value -= slots.Sum(slot => x[slot] * Math.Log(Math.Exp(o[Units + slot]) / sum));
            }
        }
        return (mask + weight * value) / (Rows * Units);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(0.5)]
    [InlineData(0)]
    public void LossAndGradientAreTheFormulas(double weight)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var heads = new ReconstructionHeads(6, new(Columns, Categories, weight, 1), generator);
        var (clean, corrupted, output) = Draw();
        Tensor Of(double[] values, int width) => tensor(Array.ConvertAll(values, v => (float)v), [Rows, width]);
        var o = Of(output, Units + Columns).requires_grad_();
        var loss = heads.Loss(o, Of(clean, Columns), Of(corrupted, Columns));
        Assert.Equal(Naive(output, clean, corrupted, weight), loss.ToDouble(), 1e-5);
        loss.backward();
        float[] gradient = o.grad!.data<float>().ToArray();
        const double Step = 1e-5;
        for (int i = 0; i < output.Length; i++)
        {
            double Moved(double by)
            {
                var moved = (double[])output.Clone();
                moved[i] += by;
                return Naive(moved, clean, corrupted, weight);
            }
            Assert.Equal((Moved(Step) - Moved(-Step)) / (2 * Step), gradient[i], 1e-5);
        }
    }

    [Fact]
    public void HeadsTellUnitsAndSlotsAndAllParametersLearn()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        foreach (int layers in new[] { 1, 2 })
        {
            using var heads = new ReconstructionHeads(6, new(Columns, Categories, 2, layers), generator);
            Assert.Equal(Units, heads.Units);
            Assert.Equal([Rows, Units + Columns], heads.call(rand(Rows, 6)).shape);
            var (clean, corrupted, _) = Draw();
            Tensor Of(double[] values) => tensor(Array.ConvertAll(values, v => (float)v), [Rows, Columns]);
            heads.Loss(heads.call(rand(Rows, 6)), Of(clean), Of(corrupted)).backward();
            Assert.All(heads.named_parameters(), p =>
                Assert.True(p.parameter.grad is { } g && g.isfinite().all().item<bool>(), p.name));
        }
    }

    [Fact]
    public void WithMoCoTheReconstructionIsAddedWithItsWeight()
    {
        using var table = new TableStore(Enumerable.Range(0, 64)
            .SelectMany(i => new[] { MathF.Sin(i), MathF.Cos(i), i % 2, 1 - i % 2 }).ToArray(), 4);
        double Loss(double weight)
        {
            using var scope = NewDisposeScope();
            var options = new MoCoOptions
            {
                Backbone = new TabularMlpOptions { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 },
                BatchSize = 32,
                ReconstructionWeight = weight,
                Seed = 1,
            };
            var plan = options.For(DataFacts.Of(table));
            using var generator = new Generator(1);
            using var method = plan.CreateMethod(generator, CPU, 1);
            var settings = plan.Settings.Table!;
            using var views = new TableViews(table, TablePreprocessing.None(4), settings with { MaskProbability = 0 },
                2, 1, whole: 1);
            using var drawn = ForwardRandom.Use(generator);
            return method.Forward(views.Render([.. Enumerable.Range(0, 32)], 0), new(0, 2, 1), 0).Loss.ToDouble();
        }
        // Heads draw their weights first, so runs with them start alike.
        double one = Loss(1), two = Loss(2), three = Loss(3);
        Assert.True(one > 0);
        Assert.Equal(two - one, three - two, 1e-4);
        Assert.NotEqual(two, one, 1e-2);

        double Clip(double weight) => new MoCoOptions { ReconstructionWeight = weight, BatchSize = 32 }
            .For(DataFacts.Of(table)).Method.Optimization.ClipGradient;
        Assert.Equal((0.0, 1.0), (Clip(0), Clip(1)));
    }
}
