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
        }
    }
}
