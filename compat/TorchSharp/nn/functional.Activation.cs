namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Stateless layers and losses.</summary>
        public static partial class functional
        {
            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_() : x.relu();
            public static Tensor relu6(Tensor x, bool inplace = false) => inplace ? x.relu6_() : x.relu6();
            public static Tensor gelu(Tensor x) => x.gelu();
            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_() : x.silu();
            public static Tensor SiLU(Tensor x, bool inplace = false) => silu(x, inplace);
            public static Tensor Mish(Tensor x) => Native.Call("mish", x);
            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => Native.Call(inplace ? "elu_" : "elu", x, alpha);
            public static Tensor celu(Tensor x, double alpha, bool inplace = false) => Native.Call(inplace ? "celu_" : "celu", x, alpha);
            public static Tensor selu(Tensor x, bool inplace = false) => inplace ? x.selu_() : x.selu();
            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) =>
                inplace ? input.leaky_relu_(negative_slope) : input.leaky_relu(negative_slope);
            public static Tensor prelu(Tensor input, Tensor weight) => input.prelu(weight);
            public static Tensor hardsigmoid(Tensor input, bool inplace = false) => inplace ? input.hardsigmoid_() : input.hardsigmoid();
            public static Tensor hardswish(Tensor input, bool inplace = false) => inplace ? input.hardswish_() : input.hardswish();
            public static Tensor glu(Tensor input, long dim = -1) => Native.Call("glu", input, dim);
            public static Tensor sigmoid(Tensor x) => x.sigmoid();
            public static Tensor logsigmoid(Tensor x) => x.log_sigmoid();
            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? x.tanh_() : x.tanh();
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => Native.Call("softplus", x, beta, threshold);
            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            public static Tensor softmin(Tensor x, long dim)
            {
                using var negative = -x;
                return negative.softmax(dim);
            }

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                Native.Call(inplace ? "dropout_" : "dropout", input, p, training);

            public static Tensor dropout1d(
                Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                FeatureDropout(input, p, training, inplace);
            public static Tensor dropout2d(
                Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                FeatureDropout(input, p, training, inplace);
            public static Tensor dropout3d(
                Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                FeatureDropout(input, p, training, inplace);

            private static Tensor FeatureDropout(Tensor input, double p, bool training, bool inplace) =>
                Native.Call(inplace ? "feature_dropout_" : "feature_dropout", input, p, training);

            public static Tensor alpha_dropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false) =>
                Native.Call(inplace ? "alpha_dropout_" : "alpha_dropout", input, p, training);

            /// <summary>softmax(q kᵀ/√d + mask) v over the last two axes; a boolean mask keeps what is true.</summary>
            public static Tensor scaled_dot_product_attention(
                Tensor query, Tensor key, Tensor value, Tensor attn_mask = null, double p = 0, bool is_casual = false)
            {
                if (attn_mask is not null && is_casual) throw new ArgumentException("Casual attention does not take a mask: attn_mask must be null.");
                using var scope = NewDisposeScope();
                // Both sides scaled by d^-1/4, so that half-precision products do not overflow.
                double scale = Math.Pow(query.size(-1), -0.25);
                var scores = (query * scale).matmul((key * scale).transpose(-2, -1));
                if (is_casual)
                {
                    using var guard = no_grad();
                    attn_mask = ones([query.size(-2), key.size(-2)], ScalarType.Bool, query.device).tril();
                }
                if (attn_mask is not null)
                {
                    scores = attn_mask.dtype == ScalarType.Bool
                        ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity)
                        : scores + attn_mask;
                }
                var weights = scores.softmax(-1);
                if (p > 0) weights = dropout(weights, p, training: true);
                return weights.matmul(value).MoveToOuterDisposeScope();
            }
        }
    }
}
