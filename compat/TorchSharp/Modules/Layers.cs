using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    public sealed class Linear : Module<Tensor, Tensor>
    {
        internal Linear(long inputs, long outputs, bool hasBias, Device device, ScalarType? dtype) : base(nameof(Linear))
        {
            this.Own("weight", empty([outputs, inputs], dtype, device));
            if (hasBias) this.Own("bias", empty(outputs, dtype, device));
            this.InitializeUniformly();
        }

        public Parameter weight
        {
            get => this.Owned("weight");
            set => this.Own("weight", value);
        }

        public Parameter bias
        {
            get => this.Owned("bias");
            set => this.Own("bias", value);
        }

        public override Tensor forward(Tensor tensor) => functional.linear(tensor, weight, bias);
    }

    public abstract class Convolution : Module<Tensor, Tensor>
    {
        private protected Convolution(string name) : base(name) { }
    }

    public sealed class Conv2d : Convolution
    {
        private readonly long[] _stride, _padding, _dilation;
        private readonly PaddingModes _mode;
        private readonly long _groups;

        internal Conv2d(
            long inputs, long outputs, (long, long) kernel, (long, long) stride, (long, long) padding, (long, long) dilation,
            PaddingModes mode, long groups, bool bias, Device device, ScalarType? dtype) : base(nameof(Conv2d))
        {
            (_stride, _padding, _dilation) = ([stride.Item1, stride.Item2], [padding.Item1, padding.Item2], [dilation.Item1, dilation.Item2]);
            (_mode, _groups) = (mode, groups);
            this.Own("weight", empty([outputs, inputs / groups, kernel.Item1, kernel.Item2], dtype, device));
            if (bias) this.Own("bias", empty(outputs, dtype, device));
            this.InitializeUniformly();
        }

        public override Tensor forward(Tensor input)
        {
            var (weight, bias) = (this.Owned("weight"), this.Owned("bias"));
            if (_mode is PaddingModes.Zeros or PaddingModes.Constant) return functional.conv2d(input, weight, bias, _stride, _padding, _dilation, _groups);
            using var padded = functional.pad(input, (_padding[1], _padding[1], _padding[0], _padding[0]), _mode);
            return functional.conv2d(padded, weight, bias, _stride, [0, 0], _dilation, _groups);
        }
    }

    public sealed class MaxPool2d : Module<Tensor, Tensor>
    {
        private readonly long[] _kernel, _stride, _padding, _dilation;
        private readonly bool _ceil;

        internal MaxPool2d(long[] kernel, long[] stride, long[] padding, long[] dilation, bool ceil) : base(nameof(MaxPool2d)) =>
            (_kernel, _stride, _padding, _dilation, _ceil) = (kernel, stride, padding, dilation, ceil);

        public override Tensor forward(Tensor input) => functional.max_pool2d(input, _kernel, _stride, _padding, _dilation, _ceil);
    }

    public sealed class AvgPool2d : Module<Tensor, Tensor>
    {
        private readonly long[] _kernel, _stride, _padding;
        private readonly bool _ceil, _countPadding;
        private readonly long? _divisor;

        internal AvgPool2d(long[] kernel, long[] stride, long[] padding, bool ceil, bool countPadding, long? divisor) : base(nameof(AvgPool2d)) =>
            (_kernel, _stride, _padding, _ceil, _countPadding, _divisor) = (kernel, stride, padding, ceil, countPadding, divisor);

        public override Tensor forward(Tensor input) =>
            Native.Call("avg_pool2d", input, _kernel, _stride ?? _kernel, _padding ?? [0], _ceil, _countPadding, _divisor);
    }

    public sealed class AdaptiveAvgPool2d : Module<Tensor, Tensor>
    {
        private readonly long[] _size;

        internal AdaptiveAvgPool2d(long[] size) : base(nameof(AdaptiveAvgPool2d)) => _size = size;

        public override Tensor forward(Tensor input) => functional.adaptive_avg_pool2d(input, _size);
    }

    public sealed class Embedding : Module<Tensor, Tensor>
    {
        private readonly long _padding;
        private readonly bool _scaleGradient, _sparse;

        internal Embedding(long count, long size, long? padding, bool scaleGradient, bool sparse, Device device, ScalarType? dtype) : base(nameof(Embedding))
        {
            (_padding, _scaleGradient, _sparse) = (padding ?? -1, scaleGradient, sparse);
            this.Own("weight", empty([count, size], dtype, device));
            init.normal_(weight).Dispose();
            if (padding is not { } row) return;
            using var guard = no_grad();
            using var slice = weight[row];
            slice.zero_().Dispose();
        }

        public Parameter weight
        {
            get => this.Owned("weight");
            set => this.Own("weight", value);
        }

        public override Tensor forward(Tensor input) => Native.Call("embedding", weight, input, _padding, _scaleGradient, _sparse);
    }

    internal static class Components
    {
        /// <summary>Registers or replaces a parameter of a built-in layer, which no dispose scope owns.</summary>
        internal static void Own(this Module module, string name, Tensor tensor)
        {
            var parameter = tensor as Parameter ?? (tensor is null ? null : new Parameter(tensor));
            parameter?.DetachFromDisposeScope();
            module.OwnParameters[name] = parameter;
        }

        internal static Parameter Owned(this Module module, string name) => module.OwnParameters.TryGetValue(name, out var parameter) ? parameter : null;

        /// <summary>Uniform in ±1/√fan_in, weight and bias alike: what kaiming_uniform with a = √5 comes to.</summary>
        internal static void InitializeUniformly(this Module module)
        {
            double bound = 1 / Math.Sqrt(init.CalculateFanInAndFanOut(module.Owned("weight")).fanIn);
            foreach (var (_, parameter) in module.OwnParameters.Pairs) init.uniform_(parameter, -bound, bound).Dispose();
        }
    }
}

namespace TorchSharp
{
    using Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device device = null, ScalarType? dtype = null) =>
                new(inputSize, outputSize, hasBias, device, dtype);

            public static Embedding Embedding(
                long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2,
                bool scale_grad_by_freq = false, bool sparse = false, Device device = null, ScalarType? dtype = null)
            {
                if (max_norm is not null) throw new NotSupportedException("Embedding with max_norm");
                return new(num_embeddings, embedding_dims, padding_idx, scale_grad_by_freq, sparse, device, dtype);
            }

            /// <summary>By position: the parameters' names differ between the real versions.</summary>
            public static Conv2d Conv2d(
                long _inputs, long _outputs, long _kernel, long _stride = 1, long _padding = 0, long _dilation = 1,
                PaddingModes _mode = PaddingModes.Zeros, long _groups = 1, bool _bias = true, Device _device = null, ScalarType? _dtype = null) =>
                Conv2d(_inputs, _outputs, (_kernel, _kernel), (_stride, _stride), (_padding, _padding), (_dilation, _dilation),
                    _mode, _groups, _bias, _device, _dtype);

            /// <summary>By position: the parameters' names differ between the real versions.</summary>
            public static Conv2d Conv2d(
                long _inputs, long _outputs, (long, long) _kernel, (long, long)? _stride = null, (long, long)? _padding = null, (long, long)? _dilation = null,
                PaddingModes _mode = PaddingModes.Zeros, long _groups = 1, bool _bias = true, Device _device = null, ScalarType? _dtype = null) =>
                new(_inputs, _outputs, _kernel, _stride ?? (1, 1), _padding ?? (0, 0), _dilation ?? (1, 1), _mode, _groups, _bias, _device, _dtype);

            /// <summary>By position: the parameters' names differ between the real versions.</summary>
            public static MaxPool2d MaxPool2d(long _kernel, long? _stride = null, long? _padding = null, long? _dilation = null, bool _ceil = false) =>
                new([_kernel], One(_stride), One(_padding), One(_dilation), _ceil);

            /// <summary>By position: the parameters' names differ between the real versions.</summary>
            public static AdaptiveAvgPool2d AdaptiveAvgPool2d(long _size) => new([_size, _size]);

            /// <summary>By position: the parameters' names differ between the real versions.</summary>
            public static AdaptiveAvgPool2d AdaptiveAvgPool2d((long, long) _size) => new([_size.Item1, _size.Item2]);

            public static AvgPool2d AvgPool2d(
                long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false,
                bool count_include_pad = true, long? divisor_override = null) =>
                new([kernel_size], One(stride), One(padding), ceil_mode, count_include_pad, divisor_override);

            public static AvgPool2d AvgPool2d(
                (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null,
                bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                new([kernel_size.Item1, kernel_size.Item2], Two(stride), Two(padding), ceil_mode, count_include_pad, divisor_override);

            private static long[] One(long? value) => value is { } v ? [v] : null;
            private static long[] Two((long, long)? value) => value is { } v ? [v.Item1, v.Item2] : null;
        }
    }
}
