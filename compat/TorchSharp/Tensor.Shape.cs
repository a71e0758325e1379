namespace TorchSharp;

public static partial class torch
{
    /// <summary>Views, copies and rearrangements.</summary>
    public partial class Tensor
    {
        public Tensor view(params long[] shape) => Native.Call("view", this, shape);
        public Tensor reshape(params long[] shape) => Native.Call("reshape", this, shape);
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Native.Call("flatten.using_ints", this, start_dim, end_dim);
        public Tensor unflatten(long dim, Size sizes) => unflatten(dim, sizes.Shape);
        public Tensor unflatten(long dim, params long[] sizes) => Native.Call("unflatten.int", this, dim, sizes);
        public Tensor permute(IEnumerable<long> permutation) => permute([.. permutation]);
        public Tensor permute(params long[] permutation) => Native.Call("permute", this, permutation);
        public Tensor transpose(long dim0, long dim1) => Native.Call("transpose.int", this, dim0, dim1);
        public Tensor transpose_(long dim0, long dim1) => Native.Call("transpose_", this, dim0, dim1);
        public Tensor t() => Native.Call("t", this);
        public Tensor swapaxes(long dim0, long dim1) => Native.Call("swapaxes", this, dim0, dim1);
        public Tensor swapdims(long dim0, long dim1) => Native.Call("swapdims", this, dim0, dim1);
        public Tensor movedim(long[] source, long[] destination) => Native.Call("movedim.intlist", this, source, destination);
        public Tensor moveaxis(long[] source, long[] destination) => Native.Call("moveaxis.intlist", this, source, destination);
        public Tensor squeeze(long? dim = null) => dim is null ? Native.Call("squeeze", this) : Native.Call("squeeze.dim", this, dim);
        public Tensor squeeze_(long? dim = null) => dim is null ? Native.Call("squeeze_", this) : Native.Call("squeeze_.dim", this, dim);
        public Tensor unsqueeze(long dim) => Native.Call("unsqueeze", this, dim);
        public Tensor unsqueeze_(long dim) => Native.Call("unsqueeze_", this, dim);
        public Tensor expand(long[] sizes, bool isImplicit = false) => Native.Call("expand", this, sizes, isImplicit);
        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => expand(sizes.ToArray(), isImplicit);
        public Tensor expand(Size sizes, bool isImplicit = false) => expand(sizes.Shape, isImplicit);
        public Tensor expand(params long[] sizes) => Native.Call("expand", this, sizes);
        public Tensor expand_as(Tensor other) => Native.Call("expand_as", this, other);
        public Tensor broadcast_to(params long[] shape) => Native.Call("broadcast_to", this, shape);
        public Tensor repeat(params long[] sizes) => Native.Call("repeat", this, sizes);
        public Tensor tile(long[] reps) => Native.Call("tile", this, reps);
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) =>
            Native.Call("repeat_interleave.self_int", this, repeats, dim, output_size);
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) =>
            Native.Call("repeat_interleave.self_Tensor", this, repeats, dim, output_size);
        public Tensor contiguous() => Native.Call("contiguous", this);
        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0) => Native.Call("as_strided", this, size, strides, storageOffset);
        public Tensor flip(params long[] dims) => Native.Call("flip", this, dims);
        public Tensor fliplr() => Native.Call("fliplr", this);
        public Tensor flipud() => Native.Call("flipud", this);
        public Tensor ravel() => Native.Call("ravel", this);
        public Tensor roll(long shifts, long? dims = null) => Native.Call("roll", this, new[] { shifts }, dims is { } d ? new[] { d } : []);
        public Tensor roll(long[] shifts) => Native.Call("roll", this, shifts, Array.Empty<long>());
        public Tensor roll(long[] shifts, long[] dims) => Native.Call("roll", this, shifts, dims);
        public Tensor roll(ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims = default) => roll(shifts.ToArray(), dims.ToArray());
        public Tensor roll((long, long, long) shifts, (long, long, long) dims) =>
            roll([shifts.Item1, shifts.Item2, shifts.Item3], [dims.Item1, dims.Item2, dims.Item3]);
        public Tensor roll((long, long) shifts, (long, long) dims) => roll([shifts.Item1, shifts.Item2], [dims.Item1, dims.Item2]);
        public Tensor rot90(long k = 1, (long, long)? dims = null) => Native.Call("rot90", this, k, dims is { } d ? new[] { d.Item1, d.Item2 } : [0, 1]);
        public Tensor tril(long diagonal = 0) => Native.Call("tril", this, diagonal);
        public Tensor triu(long diagonal = 0) => Native.Call("triu", this, diagonal);
        public Tensor tril_(long diagonal = 0) => Native.Call("tril_", this, diagonal);
        public Tensor triu_(long diagonal = 0) => Native.Call("triu_", this, diagonal);
        public Tensor diag(long diagonal = 0) => Native.Call("diag", this, diagonal);
        public Tensor diag_embed(long offset = 0, long dim1 = -2, long dim2 = -1) => Native.Call("diag_embed", this, offset, dim1, dim2);
        public Tensor diagflat(long offset = 0) => Native.Call("diagflat", this, offset);
        public Tensor unfold(long dimension, long size, long step) => Native.Call("unfold", this, dimension, size, step);
        public Tensor view_as(Tensor other) => Native.Call("view_as", this, other);
        public Tensor[] chunk(long chunks, long dim = 0) => Native.CallList("chunk", this, chunks, dim);
        public Tensor[] split(long size, int dim = 0) => Native.CallList("split.Tensor", this, size, dim);
        public Tensor[] split(long[] sizes, long dim = 0) => Native.CallList("split_with_sizes", this, sizes, dim);
        public Tensor[] split(ReadOnlySpan<long> sizes, long dim = 0) => split(sizes.ToArray(), dim);
        public Tensor[] split(params long[] sizes) => Native.CallList("split_with_sizes", this, sizes);
        public Tensor[] tensor_split(long size, long dim = 0) => Native.CallList("tensor_split.sections", this, size, dim);
        public Tensor[] tensor_split(long[] sizes, long dim = 0) => Native.CallList("tensor_split.indices", this, sizes, dim);
        public Tensor[] tensor_split(Tensor indices, long dim = 0) => Native.CallList("tensor_split.tensor_indices_or_sections", this, indices, dim);
        public Tensor[] unbind(long dimension = 0) => Native.CallList("unbind.int", this, dimension);
        public Tensor alias() => Wrap(Native.ts_alias(Handle));
        public Tensor clone() => Native.Call("clone", this);
        public Tensor detach() => Native.Call("detach", this);
        public Tensor detach_() => Native.Call("detach_", this);
    }

    public static Tensor reshape(Tensor input, params long[] shape) => input.reshape(shape);
    public static Tensor flatten(Tensor input, long start_dim = 0, long end_dim = -1) => input.flatten(start_dim, end_dim);
    public static Tensor unflatten(Tensor input, long dim, Size sizes) => input.unflatten(dim, sizes);
    public static Tensor unflatten(Tensor input, long dim, params long[] sizes) => input.unflatten(dim, sizes);
    public static Tensor permute(Tensor input, params long[] permutation) => input.permute(permutation);
    public static Tensor transpose(Tensor input, long dim0, long dim1) => input.transpose(dim0, dim1);
    public static Tensor t(Tensor input) => input.t();
    public static Tensor swapaxes(Tensor input, long axis0, long axis1) => input.swapaxes(axis0, axis1);
    public static Tensor swapdims(Tensor input, long dim0, long dim1) => input.swapdims(dim0, dim1);
    public static Tensor movedim(Tensor input, long[] source, long[] destination) => input.movedim(source, destination);
    public static Tensor moveaxis(Tensor input, long[] source, long[] destination) => input.moveaxis(source, destination);
    public static Tensor squeeze(Tensor input, long? dim = null) => input.squeeze(dim);
    public static Tensor squeeze_(Tensor input, long? dim = null) => input.squeeze_(dim);
    public static Tensor unsqueeze(Tensor input, long dim) => input.unsqueeze(dim);
    public static Tensor unsqueeze_(Tensor input, long dim) => input.unsqueeze_(dim);
    public static Tensor broadcast_to(Tensor input, params long[] shape) => input.broadcast_to(shape);
    public static Tensor tile(Tensor input, long[] dims) => input.tile(dims);
    public static Tensor repeat_interleave(Tensor input, long repeats, long? dim = null, long? output_size = null) =>
        input.repeat_interleave(repeats, dim, output_size);
    public static Tensor repeat_interleave(Tensor input, Tensor repeats, long? dim = null, long? output_size = null) =>
        input.repeat_interleave(repeats, dim, output_size);
    public static Tensor flip(Tensor input, params long[] dims) => input.flip(dims);
    public static Tensor fliplr(Tensor input) => input.fliplr();
    public static Tensor flipud(Tensor input) => input.flipud();
    public static Tensor ravel(Tensor input) => input.ravel();
    public static Tensor roll(Tensor input, long shifts, long? dims = null) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, long[] shifts) => input.roll(shifts);
    public static Tensor roll(Tensor input, long[] shifts, long[] dims) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims = default) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, (long, long, long) shifts, (long, long, long) dims) => input.roll(shifts, dims);
    public static Tensor roll(Tensor input, (long, long) shifts, (long, long) dims) => input.roll(shifts, dims);
    public static Tensor rot90(Tensor input, long k = 1, (long, long)? dims = null) => input.rot90(k, dims);
    public static Tensor tril(Tensor input, long diagonal = 0) => input.tril(diagonal);
    public static Tensor triu(Tensor input, long diagonal = 0) => input.triu(diagonal);
    public static Tensor tril_(Tensor input, long diagonal = 0) => input.tril_(diagonal);
    public static Tensor triu_(Tensor input, long diagonal = 0) => input.triu_(diagonal);
    public static Tensor diag(Tensor input, long diagonal = 0) => input.diag(diagonal);
    public static Tensor diag_embed(Tensor input, long offset = 0, long dim1 = -2, long dim2 = -1) => input.diag_embed(offset, dim1, dim2);
    public static Tensor diagflat(Tensor input, long offset = 0) => input.diagflat(offset);
    public static Tensor[] chunk(Tensor input, long chunks, long dim = 0) => input.chunk(chunks, dim);
    public static Tensor[] split(Tensor tensor, long[] split_size_or_sections, long dim = 0) => tensor.split(split_size_or_sections, dim);
    public static Tensor[] tensor_split(Tensor input, long indices_or_sections, long dim = 0) => input.tensor_split(indices_or_sections, dim);
    public static Tensor[] tensor_split(Tensor input, long[] indices_or_sections, long dim = 0) => input.tensor_split(indices_or_sections, dim);
    public static Tensor[] tensor_split(Tensor input, Tensor indices_or_sections, long dim = 0) => input.tensor_split(indices_or_sections, dim);
    public static Tensor[] unbind(Tensor input, long dim = 0) => input.unbind(dim);
    public static Tensor clone(Tensor input) => input.clone();
}
