using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class MarginalResamplingTests
{
    [Fact]
    public void ValuesAreThoseOfTheDonorsAndCategoriesChangeWhole()
    {
        const int Rows = 200, Columns = 6;
        const double Probability = 0.6;
        var random = new Random(1);
        // A number, a category of three, a number, a lone indicator.
        long[] units = SlotUnits.Of(Columns, [1..4]);
        Assert.Equal([0L, 1, 1, 1, 2, 3], units);
        float[] values = [.. Enumerable.Range(0, Rows).SelectMany(_ =>
        {
            int kind = random.Next(3);
            return new[] { random.NextSingle(), kind == 0 ? 1 : 0, kind == 1 ? 1 : 0, kind == 2 ? 1
                : 0, random.NextSingle(), random.Next(2) };
        })];
        float[] uniforms = [.. Enumerable.Range(0, Rows * 4).Select(_ => random.NextSingle())];
        long[] donors = [.. Enumerable.Range(0, Rows * 4).Select(_ => (long)random.Next(Rows))];
        var expected = new float[Rows * Columns];
        for (int row = 0; row < Rows; row++)
        {
            for (int slot = 0; slot < Columns; slot++)
            {
                long drawn = row * 4 + units[slot];
                expected[row * Columns + slot] =
                    values[(uniforms[drawn] < Probability ? donors[drawn] : row) * Columns + slot];
            }
        }
        using var scope = NewDisposeScope();
        var rows = tensor(values, [Rows, Columns]);
        var result = MarginalResampling.Apply(rows, tensor(uniforms, [Rows, 4]), tensor(donors, [Rows, 4]),
            tensor(units), Probability);
        Assert.Equal(expected, result.data<float>().ToArray());
        Assert.Equal(values, rows.data<float>().ToArray());
        Assert.All(result.narrow(1, 1, 3).sum(1).data<float>().ToArray(), sum => Assert.Equal(1, sum));
        double changed = result.select(1, 0).ne(rows.select(1, 0)).to(float32).mean().ToSingle();
        Assert.InRange(changed, Probability - 0.12, Probability + 0.12);
    }

    [Fact]
    public void TheFirstViewStaysWholeAndTheOthersKeepTheMarginals()
    {
        using var scope = NewDisposeScope();
        const int Rows = 4000;
        using var store = new TableStore(Enumerable.Range(0, Rows)
            .SelectMany(i => new float[] { i, -i, i % 2, 1 - i % 2 }).ToArray(), 4);
        var settings = new TableSettings(0, [0, 1], true) { ResampleProbability = 0.5, CategoricalSlots = [2..4] };
        using var views = new TableViews(store, TablePreprocessing.None(4), settings, views: 2, seed: 1);
        int[] rows = [.. Enumerable.Range(0, Rows)];
        var rendered = views.Render(rows, 0);
        Assert.Equal(store.Values.data<float>().ToArray(), rendered[0].data<float>().ToArray());
        // Slots change on their own: where one did, the other did in half of the rows.
        var changed = rendered[1].ne(store.Values);
        Assert.InRange(changed.select(1, 0).to(float32).mean().ToSingle(), 0.46, 0.54);
        Assert.InRange(changed.select(1, 0).logical_and(changed.select(1, 1)).to(float32).mean().ToSingle(), 0.22,
            0.28);
        Assert.All(rendered[1].narrow(1, 2, 2).sum(1).data<float>().ToArray(), sum => Assert.Equal(1, sum));
        Assert.Equal(rendered[1].data<float>().ToArray(), views.Render(rows, 0)[1].data<float>().ToArray());
        Assert.NotEqual(rendered[1].data<float>().ToArray(), views.Render(rows, 1)[1].data<float>().ToArray());
        Assert.InRange(rendered[1].select(1, 0).mean().ToSingle(), Rows / 2 - 60, Rows / 2 + 60);
    }
}
