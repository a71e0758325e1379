namespace TorchSharp;

public static partial class torch
{
    /// <summary>One position of an indexer: a number, a slice, a new axis, an ellipsis, a mask or a tensor of indices.</summary>
    public readonly struct TensorIndex
    {
        internal enum Kind { None, Ellipsis, Number, Bool, Slice, Tensor }

        internal readonly Kind Of;
        internal readonly long? Start, Stop, Step;
        internal readonly Tensor Value;

        private TensorIndex(Kind kind, long? start = null, long? stop = null, long? step = null, Tensor value = null) =>
            (Of, Start, Stop, Step, Value) = (kind, start, stop, step, value);

        public static TensorIndex Null = new(Kind.None);
        public static TensorIndex None = new(Kind.None);
        public static TensorIndex Ellipsis = new(Kind.Ellipsis);
        public static TensorIndex Colon = Slice();

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) => new(Kind.Slice, start, stop, step);
        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(Range range) =>
            Slice(Position(range.Start), range.End is { IsFromEnd: true, Value: 0 } ? null : Position(range.End));

        public static TensorIndex Single(long? index) => new(Kind.Number, index);
        public static TensorIndex Bool(bool value) => new(Kind.Bool, value ? 1 : 0);
        public static TensorIndex Tensor(Tensor tensor) => new(Kind.Tensor, value: tensor);

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex(Index index) => Single(Position(index));
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);

        private static long Position(Index index) => index.IsFromEnd ? -index.Value : index.Value;
    }

    public partial class Tensor
    {
        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => Put(value, indices);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices).Dispose();
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[params long[] indices]
        {
            get => Element(indices);
            set => PutElement(value, indices);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => PutElement(value, [i1]);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => Element([i1, i2]);
            set => PutElement(value, [i1, i2]);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => Element([i1, i2, i3]);
            set => PutElement(value, [i1, i2, i3]);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => Element([i1, i2, i3, i4]);
            set => PutElement(value, [i1, i2, i3, i4]);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            using var scope = NewDisposeScope();
            var (view, gather) = View(indices);
            var result = gather is null ? view : view.index(gather);
            return (ReferenceEquals(result, this) ? alias() : result).MoveToOuterDisposeScope();
        }

        public Tensor index(params Tensor[] indices) => Native.Call("index.Tensor", this, Arg.OptionalTensors(indices));

        public Tensor index_put_(Tensor value, params Tensor[] indices) => Native.Call("index_put_", this, Arg.OptionalTensors(indices), value);

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            Put(value, indices);
            return alias();
        }

        public Tensor index_put_(Scalar value, params Tensor[] indices)
        {
            using var number = Number(value);
            return index_put_(number, indices);
        }

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var number = Number(value);
            return index_put_(number, indices);
        }

        private Tensor Number(Scalar value) => full([], value, dtype, device);

        private Tensor Element(long[] indices)
        {
            using var scope = NewDisposeScope();
            var result = this;
            foreach (long i in indices) result = result.select(0, i);
            return result.MoveToOuterDisposeScope();
        }

        private void PutElement(Tensor value, long[] indices)
        {
            using var target = Element(indices);
            target.copy_(value).Dispose();
        }

        private void Put(Tensor value, TensorIndex[] indices)
        {
            using var scope = NewDisposeScope();
            var (view, gather) = View(indices);
            if (gather is null) view.copy_(value);
            else view.index_put_(value, gather);
        }

        // Numbers, slices and new axes become views; tensors stay for the gathering operator (null there means "all of this axis").
        private (Tensor View, Tensor[] Gather) View(TensorIndex[] indices)
        {
            var view = this;
            var gather = new List<Tensor>();
            int axis = 0, used = indices.Count(i => i.Of is TensorIndex.Kind.Number or TensorIndex.Kind.Slice)
                + indices.Where(i => i.Of == TensorIndex.Kind.Tensor).Sum(i => AxesOf(i.Value));
            foreach (var index in indices)
            {
                switch (index.Of)
                {
                    case TensorIndex.Kind.Number:
                        view = view.select(axis, index.Start.Value);
                        break;
                    case TensorIndex.Kind.Slice:
                        if (index.Start is not null || index.Stop is not null || index.Step is not null)
                            view = Native.Call("slice.Tensor", view, axis, index.Start, index.Stop, index.Step ?? 1L);
                        axis++;
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        axis += (int)dim() - used;
                        break;
                    case TensorIndex.Kind.None:
                        view = view.unsqueeze(axis++);
                        break;
                    case TensorIndex.Kind.Bool:
                        view = view.unsqueeze(axis);
                        Gather(tensor([index.Start == 1], device: device), axis++);
                        break;
                    case TensorIndex.Kind.Tensor:
                        Gather(index.Value, axis);
                        axis += AxesOf(index.Value);
                        break;
                }
            }
            return (view, gather.Count == 0 ? null : [.. gather]);

            // A mask of n axes stands for n positions of the list by itself.
            void Gather(Tensor tensor, int position)
            {
                while (gather.Sum(g => g is null ? 1 : AxesOf(g)) < position) gather.Add(null);
                gather.Add(tensor);
            }
        }

        private static int AxesOf(Tensor index) => index.dtype is ScalarType.Bool or ScalarType.Byte ? (int)index.dim() : 1;
    }
}
