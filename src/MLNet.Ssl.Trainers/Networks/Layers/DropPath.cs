using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>
/// A residual sum x + branch which in training leaves the branch out for a random share of the samples and divides it
/// by the keep probability for the others (stochastic depth, per sample). Both inputs are (B,…).
/// </summary>
internal sealed class DropPath(double rate) : Module<Tensor, Tensor, Tensor>(nameof(DropPath))
{
    public override Tensor forward(Tensor x, Tensor branch)
    {
        if (!training || rate == 0) return x.Add(branch);
        var shape = new long[x.ndim];
        Array.Fill(shape, 1);
        shape[0] = x.size(0);
        return x.AddCMul(branch, ForwardRandom.Keeps(shape[0], rate, x).view(shape));
    }
}
