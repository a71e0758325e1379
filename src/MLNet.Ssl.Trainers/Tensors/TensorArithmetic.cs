using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>
/// Arithmetic of tensors with numbers, named as TorchSharp's, whose scalars live until the native call has returned.
/// </summary>
/// <remarks>
/// TorchSharp hands a <see cref="Scalar"/> over as a bare pointer. A temporary one, be it made of a number by implicit
/// conversion or hidden in <c>x + y</c> and <c>add_(y)</c> as the factor 1, can be finalised while libtorch still reads
/// it. A trailing underscore means in place.
/// </remarks>
public static class TensorArithmetic
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>The integers 0 to count − 1.</summary>
    internal static Tensor Range(long count, Device device, ScalarType type = ScalarType.Int64)
    {
        using Scalar start = 0.ToScalar(), stop = count.ToScalar();
        return arange(start, stop, One, type, device);
    }

    /// <summary>A tensor of one value, in single precision.</summary>
    internal static Tensor Full(long[] shape, double value, Device device)
    {
        using var scalar = value.ToScalar();
        return full(shape, scalar, ScalarType.Float32, device);
    }

    extension(Tensor x)
    {
        /// <summary>x + y.</summary>
        public Tensor Add(Tensor y) => x.add(y, One);

        /// <summary>x ← x + y.</summary>
        public Tensor Add_(Tensor y) => x.add_(y, One);

        /// <summary>x + alpha·y.</summary>
        internal Tensor Add_(Tensor y, double alpha)
        {
            using var scalar = alpha.ToScalar();
            return x.add_(y, scalar);
        }

        /// <summary>x + value.</summary>
        public Tensor Add(double value)
        {
            using var scalar = value.ToScalar();
            return x.add(scalar, One);
        }

        internal Tensor Add(long value)
        {
            using var scalar = value.ToScalar();
            return x.add(scalar, One);
        }

        internal Tensor Add_(double value)
        {
            using var scalar = value.ToScalar();
            return x.add_(scalar, One);
        }

        internal Tensor Add_(long value)
        {
            using var scalar = value.ToScalar();
            return x.add_(scalar, One);
        }

        /// <summary>1 − x.</summary>
        public Tensor OneMinus() => x.neg().add(One, One);

        /// <summary>x · factor.</summary>
        public Tensor Mul(double factor)
        {
            using var scalar = factor.ToScalar();
            return x.mul(scalar);
        }

        internal Tensor Mul_(double factor)
        {
            using var scalar = factor.ToScalar();
            return x.mul_(scalar);
        }

        /// <summary>x / divisor.</summary>
        public Tensor Div(double divisor)
        {
            using var scalar = divisor.ToScalar();
            return x.div(scalar);
        }

        internal Tensor Div_(double divisor)
        {
            using var scalar = divisor.ToScalar();
            return x.div_(scalar);
        }

        /// <summary>Products of the matrices in the last two of four dimensions; of either one before them, x or y may
        /// have one for all.</summary>
        internal Tensor Products(Tensor y)
        {
            long outer = Math.Max(x.size(0), y.size(0)), inner = Math.Max(x.size(1), y.size(1));
            Tensor Matrices(Tensor t) => t.expand(outer, inner, -1, -1).reshape(-1, t.size(2), t.size(3));
            return Matrices(x).bmm(Matrices(y)).view(outer, inner, x.size(2), y.size(3));
        }

        /// <summary>x + y·z.</summary>
        internal Tensor AddCMul(Tensor y, Tensor z) => x.addcmul(y, z, One);

        /// <summary>x + value·y·z.</summary>
        internal Tensor AddCMul_(Tensor y, Tensor z, double value)
        {
            using var scalar = value.ToScalar();
            return x.addcmul_(y, z, scalar);
        }

        /// <summary>x + value·y/z.</summary>
        internal Tensor AddCDiv_(Tensor y, Tensor z, double value)
        {
            using var scalar = value.ToScalar();
            return x.addcdiv_(y, z, scalar);
        }

        /// <summary>Adds the rows of y to those of x that the index names.</summary>
        internal Tensor IndexAdd_(Tensor index, Tensor y) => x.index_add_(0, index, y, One);

        internal Tensor Remainder(long divisor)
        {
            using var scalar = divisor.ToScalar();
            return x.remainder(scalar);
        }

        /// <summary>x to the power of the exponent.</summary>
        public Tensor Pow(double exponent)
        {
            using var scalar = exponent.ToScalar();
            return x.pow(scalar);
        }

        internal Tensor Clamp(double least, double most)
        {
            using Scalar low = least.ToScalar(), high = most.ToScalar();
            return x.clamp(low, high);
        }

        internal Tensor Clamp(long least, long most)
        {
            using Scalar low = least.ToScalar(), high = most.ToScalar();
            return x.clamp(low, high);
        }

        /// <summary>x, but no less than the value.</summary>
        public Tensor ClampMin(double least)
        {
            using var scalar = least.ToScalar();
            return x.clamp_min(scalar);
        }

        /// <summary>x, but no more than the value.</summary>
        public Tensor ClampMax(double most)
        {
            using var scalar = most.ToScalar();
            return x.clamp_max(scalar);
        }

        internal Tensor Fill_(long value)
        {
            using var scalar = value.ToScalar();
            return x.fill_(scalar);
        }

        /// <summary>x with the value where the mask is true.</summary>
        public Tensor MaskedFill(Tensor mask, double value)
        {
            using var scalar = value.ToScalar();
            return x.masked_fill(mask, scalar);
        }

        internal Tensor LessThan(long value)
        {
            using var scalar = value.ToScalar();
            return x.lt(scalar);
        }

        internal Tensor LessThan(double value)
        {
            using var scalar = value.ToScalar();
            return x.lt(scalar);
        }

        internal Tensor GreaterThan(long value)
        {
            using var scalar = value.ToScalar();
            return x.gt(scalar);
        }

        /// <summary>The value of a tensor of one element, wherever it is.</summary>
        public double ToNumber()
        {
            using var scalar = x.ToScalar();
            return scalar.ToDouble();
        }
    }
}
