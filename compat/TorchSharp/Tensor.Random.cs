namespace TorchSharp;

public static partial class torch
{
    /// <summary>Random numbers.</summary>
    public partial class Tensor
    {
        public Tensor normal_(double mean = 0, double std = 1, Generator generator = null) => Native.Call("normal_", this, mean, std, generator);
        public Tensor uniform_(double from, double to, Generator generator = null) => Native.Call("uniform_", this, from, to, generator);
        public Tensor bernoulli(Generator generator = null) => Native.Call("bernoulli", this, generator);
        public Tensor bernoulli_(double p = 0.5, Generator generator = null) => Native.Call("bernoulli_.float", this, p, generator);
        public Tensor bernoulli_(Tensor p, Generator generator = null) => Native.Call("bernoulli_.Tensor", this, p, generator);
        public Tensor exponential_(double lambda = 1, Generator generator = null) => Native.Call("exponential_", this, lambda, generator);
        public Tensor log_normal_(double mean = 0, double std = 1, Generator generator = null) => Native.Call("log_normal_", this, mean, std, generator);
        public Tensor cauchy_(double median = 0, double sigma = 1, Generator generator = null) => Native.Call("cauchy_", this, median, sigma, generator);
        public Tensor geometric_(double p, Generator generator = null) => Native.Call("geometric_", this, p, generator);
        public Tensor random_(double from, double to, Generator generator = null) => Native.Call("random_.from", this, (long)from, (long)to, generator);
        public Tensor multinomial(long num_samples, bool replacement = false, Generator generator = null) =>
            Native.Call("multinomial", this, num_samples, replacement, generator);
        public Tensor poisson(Generator generator = null) => Native.Call("poisson", this, generator);
        public Tensor rand_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            Like("rand_like", dtype, device, requires_grad);
        public Tensor randn_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            Like("randn_like", dtype, device, requires_grad);
        public Tensor randint_like(long low, long high, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            Like("randint_like.low_dtype", dtype, device, requires_grad, low, high);
    }

    public static Tensor bernoulli(Tensor input, Generator generator = null) => input.bernoulli(generator);
    public static Tensor multinomial(Tensor input, long num_samples, bool replacement = false, Generator generator = null) =>
        input.multinomial(num_samples, replacement, generator);
    public static Tensor poisson(Tensor input, Generator generator = null) => input.poisson(generator);
    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        input.rand_like(dtype, device, requires_grad);
    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        input.randn_like(dtype, device, requires_grad);
    public static Tensor randint_like(Tensor input, long low, long high, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        input.randint_like(low, high, dtype, device, requires_grad);
}
