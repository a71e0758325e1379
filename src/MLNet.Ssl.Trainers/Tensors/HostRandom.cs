using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>A forward pass's random numbers that are needed outside of tensors: shares, permutations, places.</summary>
internal sealed class HostRandom(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>Seeded by the pass's own generator (<see cref="ForwardRandom"/>).</summary>
    public static HostRandom OfThisPass()
    {
        using var scope = NewDisposeScope();
        var generator = ForwardRandom.Current;
        return new((int)randint(int.MaxValue, new long[] { 1 }, ScalarType.Int64, generator.device,
            generator: generator).item<long>());
    }

    public double Uniform() => _random.NextDouble();

    /// <summary>A number from 0 to below <paramref name="end"/>.</summary>
    public int Below(int end) => _random.Next(end);

    public long[] Permutation(long count)
    {
        var order = new long[count];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        _random.Shuffle(order);
        return order;
    }

    /// <summary>Beta(α, α).</summary>
    public double Beta(double alpha) => Dirichlet(alpha, 2)[0];

    /// <summary>Dirichlet(α, …, α) of <paramref name="count"/> shares, which sum to 1.</summary>
    public double[] Dirichlet(double alpha, int count)
    {
        var shares = new double[count];
        for (int i = 0; i < count; i++) shares[i] = Gamma(alpha);
        double sum = shares.Sum();
        // With an α near 0 all may underflow; in the limit one of them has it all.
        if (sum == 0) shares[Below(count)] = sum = 1;
        for (int i = 0; i < count; i++) shares[i] /= sum;
        return shares;
    }

    /// <summary>Gamma(shape, 1) by Marsaglia and Tsang's rejection (2000).</summary>
    private double Gamma(double shape)
    {
        if (shape < 1) return Gamma(shape + 1) * Math.Pow(1 - Uniform(), 1 / shape);
        double d = shape - 1.0 / 3, c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = Normal(), v = 1 + c * x;
            if (v <= 0) continue;
            v = v * v * v;
            if (Math.Log(1 - Uniform()) < 0.5 * x * x + d - d * v + d * Math.Log(v)) return d * v;
        }
    }

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - Uniform())) * Math.Cos(2 * Math.PI * Uniform());
}
