using System.Runtime.InteropServices;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Reports;

/// <summary>
/// Embeddings in the plane: l2-normalised, centred, and projected on the two directions of most variance (PCA).
/// </summary>
/// <param name="Points">Coordinates of each row.</param>
/// <param name="Shares">Shares of the variance that the two directions hold.</param>
internal sealed record EmbeddingMap(IReadOnlyList<(float X, float Y)> Points, (double X, double Y) Shares)
{
    /// <summary>Projects rows.</summary>
    /// <param name="embeddings">(N,D), N and D at least 1.</param>
    public static EmbeddingMap Of(Tensor embeddings)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        var rows = NtXent.Normalize(embeddings.to(float32)).cpu().to(float64);
        rows = rows.sub(rows.mean([0]));
        var (variances, directions) = linalg.eigh(rows.transpose(0, 1).mm(rows).Div(rows.shape[0]));
        int width = (int)variances.shape[0], kept = Math.Min(2, width);
        double total = Math.Max(variances.sum().item<double>(), double.Epsilon);
        // Ascending as they come; the largest are the last.
        var chosen = directions.narrow(1, width - kept, kept);
        // The sign of a direction is arbitrary: its largest coefficient is made positive, so that a page looks the same
        // again.
        var largest = chosen.gather(0, chosen.abs().argmax(0).unsqueeze(0));
        var plane = rows.mm(chosen.mul(largest.sign())).to(float32).contiguous();
        var values = MemoryMarshal.Cast<byte, float>(plane.bytes);
        var points = new (float, float)[rows.shape[0]];
        for (int i = 0; i < points.Length; i++)
            points[i] = (values[kept * i + kept - 1], kept == 2 ? values[kept * i] : 0);
        double Share(int rank) => rank < width
            ? Math.Max(0, variances.narrow(0, width - 1 - rank, 1).item<double>()) / total : 0;
        return new(points, (Share(0), Share(1)));
    }
}
