using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class NtXentTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void LossAndGradientMatchTheOfficialCode()
    {
        var golden = Golden.Load("simclr_ntxent");
        foreach (var c in golden.Params.GetProperty("cases").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            string name = c.GetProperty("name").GetString()!;
            var hidden = golden.Input("hidden").ToTensor().requires_grad_();
            var loss = NtXent.Loss(hidden, c.GetProperty("temperature").GetDouble(), NtXentReduction.SimClrSum,
                c.GetProperty("hidden_norm").GetBoolean());
            loss.backward();
            golden.Expected(name + ".loss").AssertClose(loss, 1e-5, name + ".loss");
            golden.Expected(name + ".grad_hidden").AssertClose(hidden.grad!, 1e-5, name + ".grad_hidden");
        }
    }

    [Property(MaxTest = 30)]
    public void SwappingTheViewsChangesNothing(byte batchSeed, byte widthSeed, byte seed)
    {
        using var scope = NewDisposeScope();
        int batch = 2 + batchSeed % 12, width = 2 + widthSeed % 16;
        using var generator = new Generator(seed, CPU);
        var a = randn([batch, width], generator: generator);
        var b = randn([batch, width], generator: generator);
        Assert.Equal(NtXent.Loss(cat([a, b]), 0.3).ToSingle(), NtXent.Loss(cat([b, a]), 0.3).ToSingle(),
            tolerance: 1e-4f);
    }

    [Property(MaxTest = 30)]
    public void EqualsTheFormulaWrittenAsALoop(byte batchSeed, byte widthSeed, byte seed)
    {
        using var scope = NewDisposeScope();
        int batch = 2 + batchSeed % 6, width = 2 + widthSeed % 6;
        const double T = 0.4;
        using var generator = new Generator(seed, CPU);
        var rows = randn([2 * batch, width], generator: generator);
        var z = Enumerable.Range(0, 2 * batch)
            .Select(i => rows[i].data<float>().ToArray().Select(v => (double)v).ToArray()).ToArray();
        foreach (var row in z)
        {
            double norm = Math.Sqrt(row.Sum(v => v * v));
            for (int k = 0; k < width; k++) row[k] /= norm;
        }
        double expected = 0;
        for (int i = 0; i < 2 * batch; i++)
        {
            double Similarity(int j) => Math.Exp(z[i].Zip(z[j], (x, y) => x * y).Sum() / T);
            double all = Enumerable.Range(0, 2 * batch).Where(j => j != i).Sum(Similarity);
            expected -= Math.Log(Similarity((i + batch) % (2 * batch)) / all) / (2 * batch);
        }
        Assert.Equal(expected, NtXent.Loss(rows, T).ToSingle(), tolerance: 1e-4);
    }
}
