namespace TorchSharp;

/// <summary>Functions of several tensors.</summary>
public static partial class torch
{
    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => Native.Call("cat", List(tensors), dim);
    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => cat(tensors, dim);
    public static Tensor concatenate(IList<Tensor> tensors, long axis = 0) => cat(tensors, axis);
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Native.Call("stack", List(tensors), dim);
    public static Tensor hstack(IList<Tensor> tensors) => Native.Call("hstack", List(tensors));
    public static Tensor hstack(params Tensor[] tensors) => Native.Call("hstack", tensors);
    public static Tensor hstack(IEnumerable<Tensor> tensors) => Native.Call("hstack", List(tensors));
    public static Tensor vstack(IList<Tensor> tensors) => Native.Call("vstack", List(tensors));
    public static Tensor block_diag(params Tensor[] tensors) => Native.Call("block_diag", tensors);
    public static Tensor einsum(string equation, params Tensor[] tensors) => Native.Call("einsum", equation, tensors);
    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij") => Native.CallList("meshgrid.indexing", List(tensors), indexing);
    public static IList<Tensor> broadcast_tensors(params Tensor[] tensors) => Native.CallList("broadcast_tensors", tensors);

    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Native.Call("where.self", condition, x, y);
    public static Tensor[] where(Tensor condition) => Native.CallList("where", condition);

    public static Tensor cdist(
        Tensor x1, Tensor x2, double p = 2, compute_mode compute_mode = compute_mode.use_mm_for_euclid_dist_if_necessary) =>
        Native.Call("cdist", x1, x2, p, (long)compute_mode);

    public static bool allclose(Tensor tensor, Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
        tensor.allclose(target, rtol, atol, equal_nan);

    public static Tensor softmax(Tensor input, int dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

    public static Tensor norm(Tensor input) => input.norm();
    public static Tensor gather(Tensor input, long dim, Tensor index, bool sparse_grad = false) => Native.Call("gather", input, dim, index, sparse_grad);
    public static Tensor[] unbind(Tensor tensor, int dim = 0) => tensor.unbind(dim);

    public static Tensor searchsorted(Tensor sorted_sequence, Tensor values, bool out_int32 = false, bool right = false, Tensor sorter = null) =>
        Native.Call("searchsorted.Tensor", sorted_sequence, values, out_int32, right, default(Arg), sorter);

    public static long numel(Tensor input) => input.numel();
    public static bool is_tensor(object obj) => obj is Tensor;

    public partial class Tensor
    {
        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
            Native.CallScalar("allclose", this, target, rtol, atol, equal_nan).Bits != 0;
    }

    internal static Tensor[] List(IEnumerable<Tensor> tensors) => tensors as Tensor[] ?? [.. tensors];
}

public enum compute_mode
{
    use_mm_for_euclid_dist_if_necessary = 0,
    use_mm_for_euclid_dist = 1,
    donot_use_mm_for_euclid_dist = 2,
}
