namespace TorchSharp;

public static partial class torch
{
    /// <summary>Picking and writing elements by index or mask.</summary>
    public partial class Tensor
    {
        public Tensor index_select(long dim, Tensor index) => Native.Call("index_select", this, dim, index);
        public Tensor gather(long dim, Tensor index) => Native.Call("gather", this, dim, index);
        public Tensor scatter(long dim, Tensor index, Tensor src) => Native.Call("scatter.src", this, dim, index, src);
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Native.Call("scatter_.src", this, dim, index, src);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Native.Call("scatter_add", this, dim, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Native.Call("scatter_add_", this, dim, index, src);
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => Native.Call("index_add", this, dim, index, source, alpha);
        public Tensor index_copy(long dim, Tensor index, Tensor source) => Native.Call("index_copy", this, dim, index, source);
        public Tensor index_fill(long dim, Tensor index, Scalar value) => Native.Call("index_fill.int_Scalar", this, dim, index, value);
        public Tensor masked_fill(Tensor mask, Scalar value) => Native.Call("masked_fill.Scalar", this, mask, value);
        public Tensor masked_scatter(Tensor mask, Tensor value) => Native.Call("masked_scatter", this, mask, value);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Native.Call("index_add_", this, dim, index, source, alpha);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Native.Call("index_copy_", this, dim, index, source);
        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Native.Call("index_fill_.int_Scalar", this, dim, index, value);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Native.Call("masked_fill_.Scalar", this, mask, value);
        public Tensor masked_scatter_(Tensor mask, Tensor value) => Native.Call("masked_scatter_", this, mask, value);
        public Tensor masked_select(Tensor mask) => Native.Call("masked_select", this, mask);
        public Tensor select(long dim, long index) => Native.Call("select.int", this, dim, index);
        public Tensor narrow(long dim, long start, long length) => Native.Call("narrow", this, dim, start, length);
        public Tensor slice(long dim, long start, long finish, long step) => Native.Call("slice.Tensor", this, dim, start, finish, step);
        public Tensor slice_scatter(Tensor src, long dim = 0, long? start = null, long? end = null, long step = 1) =>
            Native.Call("slice_scatter", this, src, dim, start, end, step);
        public Tensor select_scatter(Tensor src, long dim, long index) => Native.Call("select_scatter", this, src, dim, index);
        public Tensor take(Tensor index) => Native.Call("take", this, index);
        public Tensor take_along_dim(Tensor indices) => Native.Call("take_along_dim", this, indices);
        public Tensor take_along_dim(Tensor indices, long dim) => Native.Call("take_along_dim", this, indices, dim);
        public Tensor where(Tensor condition, Tensor y) => Native.Call("where.self", condition, this, y);
        public Tensor nonzero() => Native.Call("nonzero", this);
        public Tensor argwhere() => Native.Call("argwhere", this);
        public Tensor bucketize(Tensor boundaries, bool outInt32 = false, bool right = false) =>
            Native.Call("bucketize.Tensor", this, boundaries, outInt32, right);
        public Tensor isin(Tensor test_elements, bool assumeUnique = false, bool invert = false) =>
            Native.Call("isin.Tensor_Tensor", this, test_elements, assumeUnique, invert);
    }

    public static Tensor index_select(Tensor input, long dim, Tensor index) => input.index_select(dim, index);
    public static Tensor gather(Tensor input, long dim, Tensor index) => input.gather(dim, index);
    public static Tensor scatter(Tensor input, long dim, Tensor index, Tensor src) => input.scatter(dim, index, src);
    public static Tensor scatter_(Tensor input, long dim, Tensor index, Tensor src) => input.scatter_(dim, index, src);
    public static Tensor scatter_add(Tensor input, long dim, Tensor index, Tensor src) => input.scatter_add(dim, index, src);
    public static Tensor scatter_add_(Tensor input, long dim, Tensor index, Tensor src) => input.scatter_add_(dim, index, src);
    public static Tensor index_add(Tensor input, long dim, Tensor index, Tensor source, Scalar alpha) => input.index_add(dim, index, source, alpha);
    public static Tensor index_copy(Tensor input, long dim, Tensor index, Tensor source) => input.index_copy(dim, index, source);
    public static Tensor index_fill(Tensor input, long dim, Tensor index, Scalar value) => input.index_fill(dim, index, value);
    public static Tensor index_add_(Tensor input, long dim, Tensor index, Tensor source, Scalar alpha) => input.index_add_(dim, index, source, alpha);
    public static Tensor index_copy_(Tensor input, long dim, Tensor index, Tensor source) => input.index_copy_(dim, index, source);
    public static Tensor index_fill_(Tensor input, long dim, Tensor index, Scalar value) => input.index_fill_(dim, index, value);
    public static Tensor masked_select(Tensor input, Tensor mask) => input.masked_select(mask);
    public static Tensor select(Tensor input, long dim, long index) => input.select(dim, index);
    public static Tensor narrow(Tensor input, long dim, long start, long length) => input.narrow(dim, start, length);
    public static Tensor slice_scatter(Tensor input, Tensor src, long dim = 0, long? start = null, long? end = null, long step = 1) =>
        input.slice_scatter(src, dim, start, end, step);
    public static Tensor select_scatter(Tensor input, Tensor src, long dim, long index) => input.select_scatter(src, dim, index);
    public static Tensor take(Tensor input, Tensor index) => input.take(index);
    public static Tensor take_along_dim(Tensor input, Tensor indices, long dim = 0) => input.take_along_dim(indices, dim);
    public static Tensor nonzero(Tensor input) => input.nonzero();
    public static Tensor argwhere(Tensor input) => input.argwhere();
    public static Tensor bucketize(Tensor input, Tensor boundaries, bool outInt32 = false, bool right = false) =>
        input.bucketize(boundaries, outInt32, right);
    public static Tensor isin(Tensor tensor, Tensor test_elements, bool assumeUnique = false, bool invert = false) =>
        tensor.isin(test_elements, assumeUnique, invert);
}
