namespace TorchSharp;

public static partial class torch
{
    /// <summary>Filling and copying.</summary>
    public partial class Tensor
    {
        public Tensor fill_(Scalar value) => Native.Call("fill_.Scalar", this, value);
        public Tensor zero_() => Native.Call("zero_", this);
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Native.Call("copy_", this, source, nonBlocking);
        public Tensor set_(Tensor source) => Native.Call("set_.source_Tensor", this, source);
        public Tensor empty_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            Like("empty_like", dtype, device, requires_grad);
        public Tensor ones_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            Like("ones_like", dtype, device, requires_grad);
        public Tensor zeros_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            Like("zeros_like", dtype, device, requires_grad);
        public Tensor full_like(Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            Like("full_like", dtype, device, requires_grad, value);

        private Tensor Like(string op, ScalarType? dtype, Device device, bool requires_grad) =>
            Native.Call(op, this, dtype, default(Arg), device).With(requires_grad);

        private Tensor Like(string op, ScalarType? dtype, Device device, bool requires_grad, Scalar value) =>
            Native.Call(op, this, value, dtype, default(Arg), device).With(requires_grad);

        private Tensor Like(string op, ScalarType? dtype, Device device, bool requires_grad, long low, long high) =>
            Native.Call(op, this, low, high, dtype, default(Arg), device).With(requires_grad);

        internal Tensor With(bool requires_grad) => requires_grad ? requires_grad_() : this;
    }
}
