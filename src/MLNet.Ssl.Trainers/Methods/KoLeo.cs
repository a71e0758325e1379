using MLNet.Ssl.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace MLNet.Ssl.Methods;

/// <summary>
/// The Kozachenko–Leonenko regulariser, which spreads the features of a batch
/// (Sablayrolles et al., <see href="https://arxiv.org/abs/1806.03198">arXiv 1806.03198</see>; DINOv2,
/// <see href="https://arxiv.org/abs/2304.07193">arXiv 2304.07193</see>, section 4).
/// </summary>
/// <example><code>
/// var loss = own.Add(KoLeo.Loss(features).Mul(0.1));
/// </code></example>
public static class KoLeo
{
    // Those of DINOv2's code.
    private const double Epsilon = 1e-8;

    /// <summary>−mean log ‖zᵢ − z_n(i)‖ of the rows z at length 1, n(i) being the row most like
    /// row i; in single precision.</summary>
    /// <param name="features">(N, D), 2 rows and up, of different images: those of one image should be alike.</param>
    /// <returns>A scalar. The gradient goes to a row and to its neighbour.</returns>
    public static Tensor Loss(Tensor features)
    {
        var z = normalize(features.to(ScalarType.Float32), eps: Epsilon);
        Tensor nearest;
        using (no_grad())
        {
            var self = eye(z.size(0), dtype: ScalarType.Bool, device: z.device);
            nearest = z.mm(z.t()).MaskedFill(self, -1).argmax(1);
        }
        // As PyTorch's pairwise distance adds its ε to every difference.
        var distances = z.sub(z.index_select(0, nearest)).Add(Epsilon).norm(1);
        return distances.Add(Epsilon).log().mean().neg();
    }
}
