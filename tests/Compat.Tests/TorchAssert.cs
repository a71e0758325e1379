using TorchSharp;
using static TorchSharp.torch;

namespace Compat.Tests;

internal static class TorchAssert
{
    /// <summary>Shape and values, whatever the element type.</summary>
    internal static void Close(double[] expected, Tensor actual, double tolerance = 1e-5, long[]? shape = null)
    {
        if (shape is not null) Assert.Equal(shape, actual.shape);
        var values = actual.detach().to(float64).contiguous().data<double>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool close = Math.Abs(expected[i] - values[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])) || expected[i].Equals(values[i]);
            Assert.True(close, $"element {i}: expected {expected[i]}, got {values[i]}");
        }
    }

    internal static void Close(Tensor expected, Tensor actual, double tolerance = 1e-5) =>
        Close(expected.detach().to(float64).contiguous().data<double>().ToArray(), actual, tolerance, expected.shape);

    /// <summary>Autograd against central differences of a scalar function of one float64 tensor.</summary>
    internal static void GradientMatches(Func<Tensor, Tensor> function, Tensor at, double tolerance = 1e-6)
    {
        using var x = at.clone().requires_grad_();
        function(x).sum().backward();
        var analytic = x.grad!.data<double>().ToArray();
        using var guard = no_grad();
        using var probe = at.clone();
        for (long i = 0; i < probe.numel(); i++)
        {
            const double step = 1e-5;
            double value = at.reshape(-1)[i].ToDouble();
            double At(double v)
            {
                probe.reshape(-1)[i] = tensor(v);
                return function(probe).sum().ToDouble();
            }
            double numeric = (At(value + step) - At(value - step)) / (2 * step);
            At(value);
            Assert.True(Math.Abs(numeric - analytic[i]) <= tolerance * Math.Max(1, Math.Abs(numeric)), $"gradient {i}: {analytic[i]} against {numeric}");
        }
    }
}

/// <summary>A function as a module.</summary>
internal sealed class Lambda(Func<torch.Tensor, torch.Tensor> function) : torch.nn.Module<torch.Tensor, torch.Tensor>(nameof(Lambda))
{
    public override torch.Tensor forward(torch.Tensor input) => function(input);
}
