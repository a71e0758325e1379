using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>An owning handle of a libtorch tensor. In-place operators return a new wrapper of the same tensor.</summary>
    public unsafe partial class Tensor : IDisposable
    {
        private nint _handle;
        private static long _total, _peak;

        internal DisposeScope OwningDisposeScope { get; set; }

        internal Tensor(nint handle)
        {
            _handle = handle;
            long total = Interlocked.Increment(ref _total);
            if (total > Volatile.Read(ref _peak)) _peak = total;
            OwningDisposeScope = DisposeScopeManager.Register(this);
        }

        ~Tensor() => Dispose(false);

        internal static Tensor Wrap(nint handle) => handle == 0 ? null : new Tensor(handle);

        public static Tensor UnsafeCreateTensor(IntPtr handle) => Wrap(handle);

        public static long TotalCount => Interlocked.Read(ref _total);
        public static long PeakCount => Interlocked.Read(ref _peak);

        public IntPtr Handle => _handle != 0 ? _handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public bool IsInvalid => _handle == 0;

        public void Dispose()
        {
            OwningDisposeScope?.MarkAsDisposed(this);
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0) return;
            Native.ts_release(handle);
            Interlocked.Decrement(ref _total);
            if (disposing && OwningDisposeScope is null) DisposeScopeManager.ThreadStatistics.DisposedOutsideScope();
        }

        /// <summary>Gives the native handle away: this tensor becomes empty and the caller owns the reference.</summary>
        public IntPtr DecoupleFromNativeHandle()
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0) return handle;
            Interlocked.Decrement(ref _total);
            OwningDisposeScope?.MarkAsDisposed(this);
            GC.SuppressFinalize(this);
            return handle;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor DetatchFromDisposeScope() => DetachFromDisposeScope();

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (OwningDisposeScope is { } scope) scope.MoveToOther(other, this);
            else other?.Attach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        private Native.TensorInfo Info
        {
            get
            {
                Native.TensorInfo info;
                Native.Check(Native.ts_info(Handle, &info));
                GC.KeepAlive(this);
                return info;
            }
        }

        public long[] shape
        {
            get
            {
                var sizes = stackalloc long[16];
                int count = Native.Check(Native.ts_sizes(Handle, sizes, 16));
                GC.KeepAlive(this);
                return new ReadOnlySpan<long>(sizes, Math.Min(count, 16)).ToArray();
            }
        }

        public long[] stride()
        {
            var strides = stackalloc long[16];
            int count = Native.Check(Native.ts_strides(Handle, strides, 16));
            GC.KeepAlive(this);
            return new ReadOnlySpan<long>(strides, Math.Min(count, 16)).ToArray();
        }

        public long[] size() => shape;
        public long size(int dim) => At(shape, dim);
        public long stride(int dim) => At(stride(), dim);
        public long dim() => Info.Dimensions;
        public long ndim => Info.Dimensions;
        public long Dimensions => Info.Dimensions;
        public long numel() => Info.Count;
        public long NumberOfElements => Info.Count;
        public long element_size() => Info.ElementSize;
        public long ElementSize => Info.ElementSize;
        public long storage_offset() => Info.StorageOffset;
        public ScalarType dtype => (ScalarType)Info.Type;
        public DeviceType device_type => (DeviceType)Info.DeviceType;
        public int device_index => Info.DeviceIndex;
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_leaf => Info.IsLeaf != 0;
        public bool is_contiguous() => Info.IsContiguous != 0;
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_complex() => torch.is_complex(dtype);
        public bool is_integral() => torch.is_integral(dtype);
        public bool is_pinned() => Native.CallScalar("is_pinned", this).Bits != 0;

        public Device device
        {
            get
            {
                var info = Info;
                return info is { DeviceType: 0 } ? CPU : new Device((DeviceType)info.DeviceType, info.DeviceIndex);
            }
        }

        private static long At(long[] values, int dim) => values[dim < 0 ? dim + values.Length : dim];

        /// <summary>The elements' memory, read and written in place: CPU, contiguous, below 2 GB.</summary>
        public Span<byte> bytes
        {
            get
            {
                var info = Info;
                if (info.DeviceType != 0) throw new InvalidOperationException("bytes needs a tensor on the CPU: call cpu() first");
                if (info.IsContiguous == 0) throw new InvalidOperationException("bytes needs a contiguous tensor: call contiguous() first");
                return new Span<byte>(info.Data, checked((int)(info.Count * info.ElementSize)));
            }
            set
            {
                var target = bytes;
                if (target.Length != value.Length) throw new ArgumentException($"the tensor has {target.Length} bytes, the source {value.Length}");
                value.CopyTo(target);
            }
        }

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            using var source = OnHost();
            stream.Write(source.bytes);
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            if (is_cpu() && is_contiguous())
            {
                stream.ReadExactly(bytes);
                return;
            }
            using var guard = no_grad();
            using var buffer = empty(shape, dtype, CPU);
            stream.ReadExactly(buffer.bytes);
            using var same = copy_(buffer);
        }

        // A contiguous tensor in host memory that the caller disposes.
        private Tensor OnHost()
        {
            using var host = cpu();
            return host.contiguous();
        }

        /// <summary>Typed access to the elements in host memory.</summary>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            var info = Info;
            if (info.DeviceType != 0)
                throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            if (TypeOf<T>() != (ScalarType)info.Type) throw new ArgumentException($"data<{typeof(T).Name}>() on a tensor of type {(ScalarType)info.Type}");
            return new TensorAccessor<T>(this, (T*)info.Data);
        }

        public T item<T>() where T : unmanaged
        {
            if (numel() != 1) throw new ArgumentException($"item needs a tensor with one element, not {numel()}");
            var type = dtype;
            if (TypeOf<T>() != type) throw new ArgumentException($"item<{typeof(T).Name}>() on a tensor of type {type}");
            return (T)ScalarAs(typeof(T));
        }

        private object ScalarAs(Type type) => Convert(ToScalar(), type);

        private static object Convert(Scalar value, Type type) =>
            type == typeof(Half) ? value.ToHalf() : System.Convert.ChangeType(value.Tag == Tag.Double ? value.Number : (object)value.Bits, type);

        public Scalar ToScalar()
        {
            var value = Native.CallScalar("item", this);
            return value.Tag switch
            {
                Tag.Double => BitConverter.Int64BitsToDouble(value.Bits),
                Tag.Bool => value.Bits != 0,
                _ => value.Bits,
            };
        }

        public bool Equals(Tensor target) => target is not null && Native.CallScalar("equal", this, target).Bits != 0;

        public override bool Equals(object obj) => obj is Tensor other && Equals(other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

        /// <summary>Shape, element type and device, as the real library's default form.</summary>
        public override string ToString() => IsInvalid
            ? "Tensor invalid -- empty handle."
            : $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";
    }
}
