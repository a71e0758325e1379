namespace TorchSharp;

public static partial class torch
{
    /// <summary>Comparisons; elementwise, as in PyTorch.</summary>
    public partial class Tensor
    {
        public Tensor eq(Scalar target) => Native.Call("eq.Scalar", this, target);
        public Tensor eq(Tensor target) => Native.Call("eq.Tensor", this, target);
        public Tensor eq_(Scalar target) => Native.Call("eq_.Scalar", this, target);
        public Tensor eq_(Tensor target) => Native.Call("eq_.Tensor", this, target);
        public Tensor ne(Scalar target) => Native.Call("ne.Scalar", this, target);
        public Tensor ne(Tensor target) => Native.Call("ne.Tensor", this, target);
        public Tensor ne_(Scalar target) => Native.Call("ne_.Scalar", this, target);
        public Tensor ne_(Tensor target) => Native.Call("ne_.Tensor", this, target);
        public Tensor lt(Scalar target) => Native.Call("lt.Scalar", this, target);
        public Tensor lt(Tensor target) => Native.Call("lt.Tensor", this, target);
        public Tensor lt_(Scalar target) => Native.Call("lt_.Scalar", this, target);
        public Tensor lt_(Tensor target) => Native.Call("lt_.Tensor", this, target);
        public Tensor le(Scalar target) => Native.Call("le.Scalar", this, target);
        public Tensor le(Tensor target) => Native.Call("le.Tensor", this, target);
        public Tensor le_(Scalar target) => Native.Call("le_.Scalar", this, target);
        public Tensor le_(Tensor target) => Native.Call("le_.Tensor", this, target);
        public Tensor gt(Scalar target) => Native.Call("gt.Scalar", this, target);
        public Tensor gt(Tensor target) => Native.Call("gt.Tensor", this, target);
        public Tensor gt_(Scalar target) => Native.Call("gt_.Scalar", this, target);
        public Tensor gt_(Tensor target) => Native.Call("gt_.Tensor", this, target);
        public Tensor ge(Scalar target) => Native.Call("ge.Scalar", this, target);
        public Tensor ge(Tensor target) => Native.Call("ge.Tensor", this, target);
        public Tensor ge_(Scalar target) => Native.Call("ge_.Scalar", this, target);
        public Tensor ge_(Tensor target) => Native.Call("ge_.Tensor", this, target);
        public Tensor greater(Tensor target) => Native.Call("greater.Tensor", this, target);
        public Tensor greater_equal(Tensor target) => Native.Call("greater_equal.Tensor", this, target);
        public Tensor less(Tensor target) => Native.Call("less.Tensor", this, target);
        public Tensor less_equal(Tensor target) => Native.Call("less_equal.Tensor", this, target);
        public Tensor not_equal(Tensor target) => Native.Call("not_equal.Tensor", this, target);
        public Tensor equal(Tensor target) => eq(target);
        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) =>
            Native.Call("isclose", this, other, rtol, atol, nanEqual);
    }

    public static Tensor eq(Tensor left, Tensor right) => left.eq(right);
    public static Tensor ne(Tensor left, Tensor right) => left.ne(right);
    public static Tensor lt(Tensor left, Tensor right) => left.lt(right);
    public static Tensor le(Tensor left, Tensor right) => left.le(right);
    public static Tensor gt(Tensor left, Tensor right) => left.gt(right);
    public static Tensor ge(Tensor left, Tensor right) => left.ge(right);
    public static Tensor greater(Tensor tensor, Tensor target) => tensor.greater(target);
    public static Tensor greater_equal(Tensor tensor, Tensor target) => tensor.greater_equal(target);
    public static Tensor less(Tensor tensor, Tensor target) => tensor.less(target);
    public static Tensor less_equal(Tensor tensor, Tensor target) => tensor.less_equal(target);
    public static Tensor not_equal(Tensor tensor, Tensor target) => tensor.not_equal(target);
    public static Tensor equal(Tensor tensor, Tensor target) => tensor.equal(target);
    public static Tensor isclose(Tensor tensor, Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) =>
        tensor.isclose(other, rtol, atol, nanEqual);
}
