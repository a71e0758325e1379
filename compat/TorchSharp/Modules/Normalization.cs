using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    public sealed class LayerNorm : Module<Tensor, Tensor>
    {
        private readonly long[] _shape;
        private readonly double _eps;

        internal LayerNorm(long[] shape, double eps, bool affine, bool hasBias, Device device, ScalarType? dtype) : base(nameof(LayerNorm))
        {
            (_shape, _eps) = (shape, eps);
            if (affine) this.Own("weight", ones(shape, dtype, device));
            if (affine && hasBias) this.Own("bias", zeros(shape, dtype, device));
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

        public override Tensor forward(Tensor tensor) => functional.layer_norm(tensor, _shape, weight, bias, _eps);
    }

    public sealed class GroupNorm : Module<Tensor, Tensor>
    {
        private readonly long _groups;
        private readonly double _eps;

        internal GroupNorm(long groups, long channels, double eps, bool affine, Device device, ScalarType? dtype) : base(nameof(GroupNorm))
        {
            (_groups, _eps) = (groups, eps);
            if (!affine) return;
            this.Own("weight", ones(channels, dtype, device));
            this.Own("bias", zeros(channels, dtype, device));
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

        public override Tensor forward(Tensor tensor) => functional.group_norm(tensor, _groups, weight, bias, _eps);
    }

    public sealed class BatchNorm1d : Module<Tensor, Tensor>
    {
        private readonly BatchNorm _options;

        internal BatchNorm1d(long features, BatchNorm options, Device device, ScalarType? dtype) : base(nameof(BatchNorm1d)) =>
            (_options = options).Register(this, features, device, dtype);

        public override Tensor forward(Tensor input) => input.dim() is 2 or 3
            ? _options.Apply(this, input)
            : throw new ArgumentException($"expected 2D or 3D input (got {input.dim()}D input)");
    }

    public sealed class BatchNorm2d : Module<Tensor, Tensor>
    {
        private readonly BatchNorm _options;

        internal BatchNorm2d(long features, BatchNorm options, Device device, ScalarType? dtype) : base(nameof(BatchNorm2d)) =>
            (_options = options).Register(this, features, device, dtype);

        public override Tensor forward(Tensor input) => input.dim() == 4
            ? _options.Apply(this, input)
            : throw new ArgumentException($"expected 4D input (got {input.dim()}D input)");
    }

    /// <summary>What the batch norms of all dimensions share: running statistics are buffers of the module.</summary>
    internal sealed record BatchNorm(double Eps, double Momentum, bool Affine, bool Track)
    {
        internal void Register(Module module, long features, Device device, ScalarType? dtype)
        {
            if (Affine)
            {
                module.Own("weight", ones(features, dtype, device));
                module.Own("bias", zeros(features, dtype, device));
            }
            if (!Track) return;
            module.register_buffer("running_mean", zeros(features, dtype, device).DetachFromDisposeScope());
            module.register_buffer("running_var", ones(features, dtype, device).DetachFromDisposeScope());
            module.register_buffer("num_batches_tracked", zeros([], ScalarType.Int64, device).DetachFromDisposeScope());
        }

        internal Tensor Apply(Module module, Tensor input)
        {
            if (module.training && Track)
            {
                using var guard = no_grad();
                module.get_buffer("num_batches_tracked").add_(1).Dispose();
            }
            return functional.batch_norm(
                input, module.get_buffer("running_mean"), module.get_buffer("running_var"), module.Owned("weight"), module.Owned("bias"),
                module.training || !Track, Momentum, Eps);
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
            public static LayerNorm LayerNorm(
                long[] normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true,
                Device device = null, ScalarType? dtype = null) =>
                new(normalized_shape, eps, elementwise_affine, bias, device, dtype);

            public static LayerNorm LayerNorm(
                long normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new([normalized_shape], eps, elementwise_affine, bias, device, dtype);

            public static GroupNorm GroupNorm(
                long num_groups, long num_channels, double eps = 1e-05, bool affine = true, Device device = null, ScalarType? dtype = null) =>
                new(num_groups, num_channels, eps, affine, device, dtype);

            /// <summary>By position: the parameters' names differ between the real versions.</summary>
            public static BatchNorm1d BatchNorm1d(
                long _features, double _eps = 1e-05, double _momentum = 0.1, bool _affine = true, bool _track = true,
                Device _device = null, ScalarType? _dtype = null) =>
                new(_features, new BatchNorm(_eps, _momentum, _affine, _track), _device, _dtype);

            /// <summary>By position: the parameters' names differ between the real versions.</summary>
            public static BatchNorm2d BatchNorm2d(
                long _features, double _eps = 1e-05, double _momentum = 0.1, bool _affine = true, bool _track = true,
                Device _device = null, ScalarType? _dtype = null) =>
                new(_features, new BatchNorm(_eps, _momentum, _affine, _track), _device, _dtype);
        }
    }
}
