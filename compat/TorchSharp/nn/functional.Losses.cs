namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public enum Reduction
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        public static partial class functional
        {
            public static Tensor cross_entropy(
                Tensor input, Tensor target, Tensor weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean,
                double label_smoothing = 0) =>
                Native.Call("cross_entropy_loss", input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                Native.Call("nll_loss_nd", input, target, weight, (long)reduction);

            public static Tensor mse_loss(
                Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Native.Call("mse_loss", input, target, (long)reduction);

            public static Tensor l1_loss(
                Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Native.Call("l1_loss", input, target, (long)reduction);

            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1) =>
                Native.Call("smooth_l1_loss", input, target, (long)reduction, beta);

            public static Tensor huber_loss(Tensor input, Tensor target, double delta = 1, Reduction reduction = Reduction.Mean) =>
                Native.Call("huber_loss", input, target, (long)reduction, delta);

            public static Tensor binary_cross_entropy(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                Native.Call("binary_cross_entropy", input, target, weight, (long)reduction);

            public static Tensor binary_cross_entropy_with_logits(
                Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean, Tensor pos_weights = null) =>
                Native.Call("binary_cross_entropy_with_logits", input, target, weight, pos_weights, (long)reduction);

            /// <summary>The target holds log-probabilities by default, other than in PyTorch.</summary>
            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) =>
                Native.Call("kl_div", input, target, (long)reduction, log_target);

            public static Tensor cosine_similarity(
                Tensor x1, Tensor x2, long dim = 1, double eps = 1e-08) =>
                Native.Call("cosine_similarity", x1, x2, dim, eps);

            public static Tensor cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, double margin = 0, Reduction reduction = Reduction.Mean) =>
                Native.Call("cosine_embedding_loss", input1, input2, target, margin, (long)reduction);

            public static Tensor margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, double margin = 0, Reduction reduction = Reduction.Mean) =>
                Native.Call("margin_ranking_loss", input1, input2, target, margin, (long)reduction);

            public static Tensor triplet_margin_loss(
                Tensor anchor, Tensor positive, Tensor negative, double margin = 1, long p = 2, double eps = 1e-06,
                bool swap = false, Reduction reduction = Reduction.Mean) =>
                Native.Call("triplet_margin_loss", anchor, positive, negative, margin, (double)p, eps, swap, (long)reduction);
        }
    }
}
