using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>Losses whose gradient is written out: autograd never passes over logits, which may be
/// most of what a step touches.</summary>
internal static class KnownGradient
{
    /// <summary>A tensor of the loss's value whose derivative by <paramref name="x"/> is the gradient.</summary>
    /// <param name="x">What the loss is a function of.</param>
    /// <param name="loss">A scalar, without gradient.</param>
    /// <param name="gradient">Of x's shape and type, contiguous.</param>
    public static Tensor Of(Tensor x, Tensor loss, Tensor gradient)
    {
        using var grad = enable_grad();
        // A dot product needs no tensor of products, but counts in 32 bits.
        var linear = x.numel() <= int.MaxValue ? x.reshape(-1).dot(gradient.view(-1)) : (x * gradient).sum();
        return (linear - linear.detach()).Add(loss);
    }
}
