using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>DINO's teacher probabilities balanced within the batch.</summary>
public class SinkhornKnoppTests
{
    private const double Temperature = 0.05;

    [Theory]
    [InlineData(8, 8, 1)]
    [InlineData(12, 4, 2)]
    [InlineData(4, 20, 3)]
    public void ItIsTheLoopOfThePaper(int rows, int prototypes, int seed)
    {
        var random = new Random(seed);
        double[,] logits = new double[rows, prototypes];
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < prototypes; k++) logits[i, k] = random.NextDouble() - 0.5;
        double[,] expected = Balanced(logits);
        using var scope = NewDisposeScope();
        using var loss = new DinoLoss(prototypes, centering: DinoCentering.SinkhornKnopp);
        var actual = loss.Probabilities(Floats(logits), Temperature);
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < prototypes; k++)
                Assert.Equal(expected[i, k], actual[i, k].item<float>(), 1e-5);
    }

    [Fact]
    public void APrototypeThatAllRowsPreferIsSharedOut()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        var logits = rand([64, 16], generator: random).Mul(0.1);
        logits.select(1, 3).Add_(0.5);
        double Most(DinoCentering centering)
        {
            using var loss = new DinoLoss(16, centering: centering);
            return loss.Probabilities(logits, Temperature).mean([0]).max().item<float>();
        }
        Assert.InRange(Most(DinoCentering.Mean), 0.9, 1);
        Assert.InRange(Most(DinoCentering.SinkhornKnopp), 0, 0.1);
    }

    [Fact]
    public void FarLogitsStayFinite()
    {
        using var scope = NewDisposeScope();
        using var loss = new DinoLoss(4, centering: DinoCentering.SinkhornKnopp);
        var probabilities = loss.Probabilities(eye(2, 4).Mul(50), 0.001);
        Assert.True(probabilities.isfinite().all().item<bool>());
        Assert.Equal([1f, 1f], probabilities.sum(1).data<float>().ToArray());
    }

    [Fact]
    public void TheLossUsesItAndItsSamplesMeet()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        var options = new DinoOptions
        {
            Backbone = new VisionTransformerOptions
            {
                ImageSize = 24,
                PatchSize = 6,
                EmbeddingDimension = 24,
                Depth = 1,
                Heads = 2,
            },
            ImageSize = 24,
            LocalCrops = 0,
            OutputDimension = 8,
            HeadHiddenDimension = 16,
            HeadBottleneckDimension = 8,
        };
        using var centred = options.CreateMethod(generator, CPU, 1);
        using var balanced =
            (options with { Centering = DinoCentering.SinkhornKnopp }).CreateMethod(generator, CPU, 1);
        Assert.True(centred.SamplesAreIndependent);
        Assert.False(balanced.SamplesAreIndependent);
        var student = randn([8, 8], generator: generator);
        var teacher = randn([8, 8], generator: generator).Add(arange(8));
        using var mean = new DinoLoss(8);
        using var sinkhorn = new DinoLoss(8, centering: DinoCentering.SinkhornKnopp);
        var targets = sinkhorn.Forward(student, teacher, 1).TeacherProbabilities;
        Assert.True(targets.allclose(sinkhorn.Probabilities(teacher, 1)));
        Assert.False(targets.allclose(mean.Forward(student, teacher, 1).TeacherProbabilities, 0, 0.1));
    }

    /// <summary>Three iterations over every entry (arXiv 2006.09882, listing of the appendix), from rows of sum
    /// 1.</summary>
    private static double[,] Balanced(double[,] logits)
    {
        int rows = logits.GetLength(0), columns = logits.GetLength(1);
        double[,] q = new double[rows, columns];
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < columns; k++) q[i, k] = Math.Exp(logits[i, k] / Temperature);
        Rows();
        for (int iteration = 0; iteration < 3; iteration++)
        {
            for (int k = 0; k < columns; k++)
            {
                double sum = Enumerable.Range(0, rows).Sum(i => q[i, k]);
                for (int i = 0; i < rows; i++) q[i, k] /= sum * columns;
            }
            Rows();
        }
        return q;

        void Rows()
        {
            for (int i = 0; i < rows; i++)
            {
                double sum = Enumerable.Range(0, columns).Sum(k => q[i, k]);
                for (int k = 0; k < columns; k++) q[i, k] /= sum;
            }
        }
    }

    private static Tensor Floats(double[,] values) => tensor(values).to(ScalarType.Float32);
}
