namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Initial values, written in place without a trace in autograd.</summary>
        public static class init
        {
            public enum FanInOut
            {
                FanIn = 0,
                FanOut = 1,
            }

            public enum NonlinearityType
            {
                Linear = 0,
                Conv1D = 1,
                Conv2D = 2,
                Conv3D = 3,
                ConvTranspose1D = 4,
                ConvTranspose2D = 5,
                ConvTranspose3D = 6,
                Sigmoid = 7,
                Tanh = 8,
                ReLU = 9,
                LeakyReLU = 10,
            }

            public static Tensor zeros_(Tensor tensor) => Fill(tensor, t => t.zero_());
            public static Tensor ones_(Tensor tensor) => Fill(tensor, t => t.fill_(1));
            public static Tensor constant_(Tensor tensor, Scalar val) => Fill(tensor, t => t.fill_(val));

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator generator = null) =>
                Fill(tensor, t => t.uniform_(low, high, generator));

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator generator = null) =>
                Fill(tensor, t => t.normal_(mean, std, generator));

            /// <summary>Normal values limited to [a, b] by inverting the distribution function of uniform ones.</summary>
            public static Tensor trunc_normal_(Tensor tensor, double mean = 0, double std = 1, double a = -2, double b = 2, Generator generator = null) =>
                Fill(tensor, t =>
                {
                    using var scope = NewDisposeScope();
                    var bounds = torch.tensor(new[] { (a - mean) / std / Math.Sqrt(2), (b - mean) / std / Math.Sqrt(2) }).erf().data<double>().ToArray();
                    t.uniform_(bounds[0], bounds[1], generator).erfinv_().mul_(std * Math.Sqrt(2)).add_(mean).clamp_(a, b);
                    return t.alias().MoveToOuterDisposeScope();
                });

            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1) => Symmetric(tensor, Math.Sqrt(3) * XavierStd(tensor, gain));
            public static Tensor xavier_normal_(Tensor tensor, double gain = 1) => normal_(tensor, 0, XavierStd(tensor, gain));
            public static Tensor glorot_uniform_(Tensor tensor, double gain = 1) => xavier_uniform_(tensor, gain);
            public static Tensor glorot_normal_(Tensor tensor, double gain = 1) => xavier_normal_(tensor, gain);

            public static Tensor kaiming_uniform_(
                Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                Symmetric(tensor, Math.Sqrt(3) * KaimingStd(tensor, a, mode, nonlinearity));

            public static Tensor kaiming_normal_(
                Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                normal_(tensor, 0, KaimingStd(tensor, a, mode, nonlinearity));

            public static Tensor eye_(Tensor tensor) => Fill(tensor, t =>
            {
                if (t.dim() != 2) throw new ArgumentException("eye_ needs a tensor with 2 dimensions");
                using var eye = torch.eye(t.size(0), t.size(1), t.dtype, t.device);
                return t.copy_(eye);
            });

            public static Tensor orthogonal_(Tensor tensor, double gain = 1) => Fill(tensor, t =>
            {
                if (t.dim() < 2) throw new ArgumentException("orthogonal_ needs a tensor with 2 or more dimensions");
                using var scope = NewDisposeScope();
                long rows = t.size(0), columns = t.numel() / rows;
                var (q, r) = linalg.qr(randn([Math.Max(rows, columns), Math.Min(rows, columns)], t.dtype, t.device));
                q = q * r.diagonal().sign();
                if (rows < columns) q = q.t();
                return t.copy_(q.reshape(t.shape) * gain).MoveToOuterDisposeScope();
            });

            public static double calculate_gain(NonlinearityType nonlinearity, double param = 0) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3,
                NonlinearityType.ReLU => Math.Sqrt(2),
                NonlinearityType.LeakyReLU => Math.Sqrt(2 / (1 + param * param)),
                _ => 1,
            };

            public static (long fanIn, long fanOut) CalculateFanInAndFanOut(Tensor tensor)
            {
                var shape = tensor.shape;
                if (shape.Length < 2) throw new ArgumentException("Fan in and fan out can not be computed for a tensor with fewer than 2 dimensions");
                long field = shape.Skip(2).TotalSize();
                return (shape[1] * field, shape[0] * field);
            }

            private static double XavierStd(Tensor tensor, double gain)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return gain * Math.Sqrt(2.0 / (fanIn + fanOut));
            }

            private static double KaimingStd(Tensor tensor, double a, FanInOut mode, NonlinearityType nonlinearity)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return calculate_gain(nonlinearity, a) / Math.Sqrt(mode == FanInOut.FanIn ? fanIn : fanOut);
            }

            private static Tensor Symmetric(Tensor tensor, double bound) => uniform_(tensor, -bound, bound);

            private static Tensor Fill(Tensor tensor, Func<Tensor, Tensor> write)
            {
                using var guard = no_grad();
                return write(tensor);
            }
        }
    }

    public partial class Tensor
    {
        internal Tensor diagonal() => Native.Call("diagonal", this);
    }
}
