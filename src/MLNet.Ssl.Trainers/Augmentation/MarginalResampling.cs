using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>
/// SCARF's corruption of rows of a table (Bahri et al., arXiv 2106.15147), which is VIME's too (Yoon et al., NeurIPS
/// 2020): with probability p a slot takes the value that another row of the batch has in it, a draw from the slot's
/// marginal distribution. The slots of a category change together, so that a row keeps one of its kinds.
/// </summary>
public static class MarginalResampling
{
    /// <summary>Corrupts rows by draws from outside; a new tensor.</summary>
    /// <param name="rows">(B, D).</param>
    /// <param name="uniforms">(B, U), drawn from U(0, 1), for every row and unit: a slot of its own, or a
    /// category.</param>
    /// <param name="donors">(B, U), int64: the row that the unit's value comes from, from 0 to below B.</param>
    /// <param name="units">(D), int64: the unit of every slot, from 0 to below U.</param>
    /// <param name="probability">p in [0, 1].</param>
    public static Tensor Apply(Tensor rows, Tensor uniforms, Tensor donors, Tensor units, double probability)
    {
        using var scope = NewDisposeScope();
        var others = rows.gather(0, donors.index_select(1, units));
        return where(uniforms.LessThan(probability).index_select(1, units), others, rows).MoveToOuterDisposeScope();
    }
}
