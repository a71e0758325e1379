using static TorchSharp.torch;

namespace MLNet.Ssl.Onnx;

public sealed partial class OnnxGraph
{
    /// <summary>a + b.</summary>
    public string Add(string a, string b) => Node("Add", [a, b]);

    /// <summary>a − b.</summary>
    public string Sub(string a, string b) => Node("Sub", [a, b]);

    /// <summary>a · b.</summary>
    public string Mul(string a, string b) => Node("Mul", [a, b]);

    /// <summary>a / b.</summary>
    public string Div(string a, string b) => Node("Div", [a, b]);

    /// <summary>The matrix product of the last two dimensions.</summary>
    public string MatMul(string a, string b) => Node("MatMul", [a, b]);

    internal string Exp(string x) => Node("Exp", [x]);

    /// <summary>−x.</summary>
    public string Neg(string x) => Node("Neg", [x]);

    /// <summary>x·σ(x).</summary>
    public string Silu(string x) => Mul(x, Node("Sigmoid", [x]));

    /// <summary>max(x, 0).</summary>
    public string Relu(string x) => Node("Relu", [x]);

    /// <summary>The softmax over a dimension.</summary>
    public string Softmax(string x, long axis = -1) => Node("Softmax", [x], ("axis", axis));

    /// <summary>The dimensions in another order.</summary>
    public string Transpose(string x, params long[] permutation) => Node("Transpose", [x], ("perm", permutation));

    /// <summary>The value in another shape.</summary>
    /// <param name="x">The value.</param>
    /// <param name="shape">0 keeps a dimension, −1 is inferred.</param>
    public string Reshape(string x, params long[] shape) => Node("Reshape", [x, Integers(shape)]);

    /// <summary>Values one after the other along a dimension.</summary>
    public string Concat(long axis, params string[] values) => Node("Concat", values, ("axis", axis));

    /// <summary>One index of a dimension, which is dropped.</summary>
    public string Select(string x, long axis, long index) =>
        Node("Gather", [x, Constant<long>("index", TensorProto.Types.DataType.Int64, [index])], ("axis", axis));

    /// <summary>Some indices of a dimension.</summary>
    public string Gather(string x, long axis, params long[] indices) =>
        Node("Gather", [x, Constant<long>("indices", TensorProto.Types.DataType.Int64, indices, indices.Length)],
            ("axis", axis));

    /// <summary>A constant scalar of double precision.</summary>
    internal string DoubleConstant(double value) =>
        Constant<double>("constant", TensorProto.Types.DataType.Double, [value]);

    /// <summary>Integers of that shape.</summary>
    internal string Constant(ReadOnlySpan<long> values, params long[] shape) =>
        Constant("integers", TensorProto.Types.DataType.Int64, values, shape);

    /// <summary>Entries of a value's first dimension.</summary>
    internal string Gather(string x, string indices) => Node("Gather", [x, indices], ("axis", 0));

    /// <summary>Sums of the updates (N,k) that go into the same column, of (N, columns).</summary>
    internal string ScatterAdd(string columns, string updates, long count) =>
        Node("ScatterElements", [Constant(new float[count], 1, count), columns, updates], ("axis", 1),
            ("reduction", "add"));

    /// <summary>The last dimension at length 1, as <c>torch.nn.functional.normalize</c> has it.</summary>
    internal string Normalize(string x) =>
        Div(x, Node("Max", [Node("ReduceL2", [x], ("axes", new long[] { -1 }), ("keepdims", 1)), Constant(1e-12f)]));

    /// <summary>The sum over the last dimension, which stays.</summary>
    internal string ReduceSum(string x) => Node("ReduceSum", [x, Integers(-1)], ("keepdims", 1));

    /// <summary>The range [start, start + length) of each of the axes.</summary>
    public string Slice(string x, long start, long length, params long[] axes)
    {
        long[] starts = [.. axes.Select(_ => start)], ends = [.. axes.Select(_ => start + length)];
        return Node("Slice", [x, Integers(starts), Integers(ends), Integers(axes)]);
    }

    /// <summary>The mean over dimensions.</summary>
    public string ReduceMean(string x, bool keepDimensions, params long[] axes) =>
        Reduce("ReduceMean", x, keepDimensions, axes);

    /// <summary>The largest value over dimensions.</summary>
    public string ReduceMax(string x, bool keepDimensions, params long[] axes) =>
        Reduce("ReduceMax", x, keepDimensions, axes);

    /// <summary>A convolution as TorchSharp's conv2d does it.</summary>
    /// <param name="x">The input (N,C,H,W).</param>
    /// <param name="weight">Square kernels (out,C/groups,k,k): a parameter of the network.</param>
    /// <param name="bias">(out), a parameter of the network, or null.</param>
    /// <param name="stride">Stride of both dimensions.</param>
    /// <param name="padding">Zeros on every side.</param>
    /// <param name="groups">Groups of channels. Default 1.</param>
    public string Conv(string x, Tensor weight, Tensor? bias, long stride, long padding, long groups = 1)
    {
        string[] inputs = bias is null ? [x, Weight(weight)] : [x, Weight(weight), Weight(bias)];
        var window = Window(weight.size(2), stride, padding, padding, padding, padding);
        return Node("Conv", inputs, groups == 1 ? window : [.. window, ("group", groups)]);
    }

    /// <summary>The largest value of every square window of the last two dimensions.</summary>
    public string MaxPool(string x, long kernel, long stride, long padding) =>
        Node("MaxPool", [x], Window(kernel, stride, padding, padding, padding, padding));

    /// <summary>As <c>AveragePool2x2</c>: behind the last row and column stands a border of zeros, which
    /// counts at stride 2 only.</summary>
    internal string AveragePool2x2(string x, long stride) =>
        Node("AveragePool", [x], [.. Window(2, stride, 0, 0, 1, 1), ("count_include_pad", stride - 1)]);

    /// <summary>(N,C) or (N,C,H,W), by running statistics.</summary>
    public string BatchNorm(string x, Tensor mean, Tensor variance, Tensor? scale, Tensor? shift, double eps)
    {
        string gamma = scale is null ? Filled(mean.numel(), 1) : Weight(scale), beta = shift is null
            ? Filled(mean.numel(), 0) : Weight(shift);
        return Node("BatchNormalization", [x, gamma, beta, Weight(mean), Weight(variance)], ("epsilon", (float)eps));
    }

    /// <summary>Over the last dimension.</summary>
    public string LayerNorm(string x, Tensor scale, Tensor shift, double eps) =>
        Node("LayerNormalization", [x, Weight(scale), Weight(shift)], ("axis", -1), ("epsilon", (float)eps));

    /// <summary>x Wᵀ + b over the last dimension, of any rank.</summary>
    public string Linear(string x, Tensor weight, Tensor? bias)
    {
        string product = MatMul(x, Transpose(Weight(weight), 1, 0));
        return bias is null ? product : Add(product, Weight(bias));
    }

    /// <summary>The exact GELU, x·½(1 + erf(x/√2)), which is an operator from opset 20 on only.</summary>
    public string Gelu(string x) =>
        Mul(Mul(x, Add(Node("Erf", [Div(x, Constant(MathF.Sqrt(2)))]), Constant(1))), Constant(0.5f));

    /// <summary>(N, units·pieces) → (N, units), the largest of pieces neighbours.</summary>
    internal string Maxout(string x, long pieces) => ReduceMax(Reshape(x, 0, -1, pieces), keepDimensions: false, 2);

    /// <summary>A (1,…) value once for every row of the input x.</summary>
    public string ForEachRow(string value, string x, params long[] shape)
    {
        string batch = Node("Shape", [x], ("start", 0), ("end", 1));
        return Node("Expand", [value, Concat(0, batch, Integers(shape))]);
    }

    private string Reduce(string op, string x, bool keepDimensions, long[] axes) =>
        Node(op, [x], ("axes", axes), ("keepdims", keepDimensions ? 1 : 0));

    private string Filled(long count, float value)
    {
        var values = new float[count];
        Array.Fill(values, value);
        return Constant(values, count);
    }

    private static (string Name, object Value)[] Window(long kernel, long stride, params long[] pads) =>
        [("kernel_shape", new[] { kernel, kernel }), ("strides", new[] { stride, stride }), ("pads", pads)];
}
