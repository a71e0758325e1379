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
        }
    }
}
