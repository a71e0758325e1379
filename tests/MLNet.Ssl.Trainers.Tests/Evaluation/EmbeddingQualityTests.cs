using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Golden values are those of a naive calculation in double precision: loops, and Jacobi
/// rotations for singular values.</summary>
public class EmbeddingQualityTests
{
    public static TheoryData<int, int, int> Shapes =>
        new() { { 40, 12, 1 }, { 12, 40, 2 }, { 64, 64, 3 }, { 2, 5, 4 }, { 100, 1, 5 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    [Trait("Category", "Golden")]
    public void RankMeIsTheNaiveOne(int rows, int columns, int seed)
    {
        var values = Draw(rows, columns, seed);
        Assert.Equal(NaiveRankMe(values), EmbeddingQuality.RankMe(AsTensor(values)), 1e-6 * Math.Min(rows, columns));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    [Trait("Category", "Golden")]
    public void AlignmentAndUniformityAreTheNaiveOnes(int rows, int columns, int seed)
    {
        var (first, second) = (Unit(Draw(rows, columns, seed)), Unit(Draw(rows, columns, seed + 100)));
        double alignment = 0, uniformity = 0;
        for (int i = 0; i < rows; i++)
        {
            alignment += Distance(first, i, second, i) / rows;
            for (int j = 0; j < rows; j++)
                if (i != j) uniformity += Math.Exp(-2 * Distance(first, i, first, j)) / (rows * (rows - 1.0));
        }
        Assert.Equal(alignment, EmbeddingQuality.Alignment(AsTensor(first), AsTensor(second)), 1e-5);
        Assert.Equal(Math.Log(uniformity), EmbeddingQuality.Uniformity(AsTensor(first)), 1e-5);
    }

    [Fact]
    public void EndsOfTheScales()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(8, EmbeddingQuality.RankMe(eye(8)), 1e-4);
        Assert.Equal(1, EmbeddingQuality.RankMe(ones(20, 8)), 1e-4);
        Assert.Equal(1, EmbeddingQuality.RankMe(zeros(20, 8)), 1e-12);
        Assert.Equal(0, EmbeddingQuality.Uniformity(ones(20, 1)), 1e-12);
        Assert.Equal(4, EmbeddingQuality.Alignment(ones(5, 1), -ones(5, 1)), 1e-12);
    }

    private static double NaiveRankMe(double[,] x)
    {
        // One-sided Jacobi: columns are rotated in pairs until they are orthogonal;
        // their lengths are the singular values.
        int rows = x.GetLength(0), columns = x.GetLength(1);
        var a = (double[,])x.Clone();
        for (int sweep = 0; sweep < 60; sweep++)
            for (int p = 0; p < columns; p++)
                for (int q = p + 1; q < columns; q++)
                {
                    double pp = 0, qq = 0, pq = 0;
                    for (int i = 0; i < rows; i++)
                        (pp, qq, pq) = (pp + a[i, p] * a[i, p], qq + a[i, q] * a[i, q], pq + a[i, p] * a[i, q]);
                    if (Math.Abs(pq) <= 1e-15 * Math.Sqrt(pp * qq) || pq == 0) continue;
                    double zeta = (qq - pp) / (2 * pq),
                        t = (zeta >= 0 ? 1 : -1) / (Math.Abs(zeta) + Math.Sqrt(1 + zeta * zeta));
                    double c = 1 / Math.Sqrt(1 + t * t), s = c * t;
                    for (int i = 0; i < rows; i++)
                        (a[i, p], a[i, q]) = (c * a[i, p] - s * a[i, q], s * a[i, p] + c * a[i, q]);
                }
        var lengths = Enumerable.Range(0, columns)
            .Select(j => Math.Sqrt(Enumerable.Range(0, rows).Sum(i => a[i, j] * a[i, j]))).OrderDescending()
            .Take(Math.Min(rows, columns)).ToList();
        double sum = lengths.Sum(), entropy = 0;
        foreach (double length in lengths)
        {
            double share = length / sum + 1e-7;
            entropy -= share * Math.Log(share);
        }
        return Math.Exp(entropy);
    }

    private static double Distance(double[,] x, int i, double[,] y, int j) =>
        Enumerable.Range(0, x.GetLength(1)).Sum(k => (x[i, k] - y[j, k]) * (x[i, k] - y[j, k]));

    // Columns of falling scale, so that the rank is not simply the width.
    private static double[,] Draw(int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var values = new double[rows, columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) values[i, j] = (float)((random.NextDouble() - 0.3) / (1 + j));
        return values;
    }

    private static double[,] Unit(double[,] x)
    {
        for (int i = 0; i < x.GetLength(0); i++)
        {
            double length = Math.Sqrt(Enumerable.Range(0, x.GetLength(1)).Sum(j => x[i, j] * x[i, j]));
            for (int j = 0; j < x.GetLength(1); j++) x[i, j] /= length;
        }
        return x;
    }

    private static Tensor AsTensor(double[,] x) =>
        tensor(x.Cast<double>().Select(v => (float)v).ToArray(), [x.GetLength(0), x.GetLength(1)]);
}
