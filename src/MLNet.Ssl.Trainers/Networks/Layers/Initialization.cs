using MLNet.Ssl.Tensors;
using TorchSharp;
using TorchSharp.Modules;

namespace MLNet.Ssl.Networks;

/// <summary>Fresh parameters and buffers: drawn from an explicit generator, and outliving any dispose scope that is
/// open where a network is built.</summary>
internal static class Initialization
{
    [ThreadStatic]
    private static bool _skipped;

    /// <summary>Builds a network whose weights are all filled from elsewhere: drawing them would take
    /// longer than reading them.</summary>
    public static T WithoutValues<T>(Func<T> build)
    {
        try
        {
            _skipped = true;
            return build();
        }
        finally
        {
            _skipped = false;
        }
    }

    /// <summary>U(−bound, bound). PyTorch's default for Linear and Conv weights and biases
    /// has the bound 1/√fan_in.</summary>
    public static Parameter Uniform(double bound, torch.Generator generator, params long[] shape) =>
        Keep(_skipped ? Empty(shape) : Empty(shape).uniform_(-bound, bound, generator));

    /// <summary>N(0, deviation²).</summary>
    public static Parameter Normal(double deviation, torch.Generator generator, params long[] shape) =>
        Keep(_skipped ? Empty(shape) : Empty(shape).normal_(0, deviation, generator));

    public static Parameter Constant(double value, params long[] shape) =>
        Keep(TensorArithmetic.Full(shape, value, torch.CPU));

    /// <summary>A tensor that is saved and moved with the network but not trained.</summary>
    public static torch.Tensor Buffer(torch.Tensor value) => value.DetachFromDisposeScope();

    private static torch.Tensor Empty(long[] shape) => torch.empty(shape, dtype: torch.float32, device: torch.CPU);

    private static Parameter Keep(torch.Tensor data)
    {
        var parameter = new Parameter(data);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
