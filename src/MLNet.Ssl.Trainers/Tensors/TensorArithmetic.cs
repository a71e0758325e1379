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
internal static class TensorArithmetic
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>The integers 0 to count − 1.</summary>
    public static Tensor Range(long count, Device device, ScalarType type = ScalarType.Int64)
    {
        using Scalar start = 0.ToScalar(), stop = count.ToScalar();
        return arange(start, stop, One, type, device);
    }

    /// <summary>A tensor of one value, in single precision.</summary>
    public static Tensor Full(long[] shape, double value, Device device)
    {
        using var scalar = value.ToScalar();
        return full(shape, scalar, ScalarType.Float32, device);
    }

    extension(Tensor x)
    {
        public Tensor Add(Tensor y) => x.add(y, One);

        public Tensor Add_(Tensor y) => x.add_(y, One);

        /// <summary>x + alpha·y.</summary>
        public Tensor Add_(Tensor y, double alpha)
        {
            using var scalar = alpha.ToScalar();
            return x.add_(y, scalar);
        }

        public Tensor Add(double value)
        {
            using var scalar = value.ToScalar();
            return x.add(scalar, One);
        }

        public Tensor Add(long value)
        {
            using var scalar = value.ToScalar();
            return x.add(scalar, One);
        }

        public Tensor Add_(double value)
        {
            using var scalar = value.ToScalar();
            return x.add_(scalar, One);
        }

        public Tensor Add_(long value)
        {
            using var scalar = value.ToScalar();
            return x.add_(scalar, One);
        }

        public Tensor OneMinus() => x.neg().add(One, One);

        public Tensor Mul(double factor)
        {
            using var scalar = factor.ToScalar();
            return x.mul(scalar);
        }

        public Tensor Mul_(double factor)
        {
            using var scalar = factor.ToScalar();
            return x.mul_(scalar);
        }

        public Tensor Div(double divisor)
        {
            using var scalar = divisor.ToScalar();
            return x.div(scalar);
        }

        public Tensor Div_(double divisor)
        {
            using var scalar = divisor.ToScalar();
            return x.div_(scalar);
        }

        /// <summary>x + y·z.</summary>
        public Tensor AddCMul(Tensor y, Tensor z) => x.addcmul(y, z, One);

        /// <summary>x + value·y·z.</summary>
        public Tensor AddCMul_(Tensor y, Tensor z, double value)
        {
            using var scalar = value.ToScalar();
            return x.addcmul_(y, z, scalar);
        }

        /// <summary>x + value·y/z.</summary>
        public Tensor AddCDiv_(Tensor y, Tensor z, double value)
        {
            using var scalar = value.ToScalar();
            return x.addcdiv_(y, z, scalar);
        }

        /// <summary>Adds the rows of y to those of x that the index names.</summary>
        public Tensor IndexAdd_(Tensor index, Tensor y) => x.index_add_(0, index, y, One);

        public Tensor Remainder(long divisor)
        {
            using var scalar = divisor.ToScalar();
            return x.remainder(scalar);
        }

        public Tensor Pow(double exponent)
        {
            using var scalar = exponent.ToScalar();
            return x.pow(scalar);
        }

        public Tensor Clamp(double least, double most)
        {
            using Scalar low = least.ToScalar(), high = most.ToScalar();
            return x.clamp(low, high);
        }

        public Tensor ClampMin(double least)
        {
            using var scalar = least.ToScalar();
            return x.clamp_min(scalar);
        }

        public Tensor ClampMax(double most)
        {
            using var scalar = most.ToScalar();
            return x.clamp_max(scalar);
        }

        public Tensor Fill_(long value)
        {
            using var scalar = value.ToScalar();
            return x.fill_(scalar);
        }

        public Tensor MaskedFill(Tensor mask, double value)
        {
            using var scalar = value.ToScalar();
            return x.masked_fill(mask, scalar);
        }

        public Tensor LessThan(long value)
        {
            using var scalar = value.ToScalar();
            return x.lt(scalar);
        }

        public Tensor GreaterThan(long value)
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
