using Google.Protobuf;
using static TorchSharp.torch;

namespace MLNet.Ssl.Onnx;

/// <summary>Operators under their ONNX names (opset 17), and the few that ONNX lacks.</summary>
internal sealed partial class OnnxGraph
{
    public string Add(string a, string b) => Node("Add", [a, b]);

    public string Sub(string a, string b) => Node("Sub", [a, b]);

    public string Mul(string a, string b) => Node("Mul", [a, b]);

    public string Div(string a, string b) => Node("Div", [a, b]);

    public string MatMul(string a, string b) => Node("MatMul", [a, b]);

    public string Exp(string x) => Node("Exp", [x]);

    public string Neg(string x) => Node("Neg", [x]);

    /// <summary>x·σ(x).</summary>
    public string Silu(string x) => Mul(x, Node("Sigmoid", [x]));

    public string Relu(string x) => Node("Relu", [x]);

    public string Softmax(string x, long axis = -1) => Node("Softmax", [x], Attribute("axis", axis));

    public string Transpose(string x, params long[] permutation) => Node("Transpose", [x], Attribute("perm", permutation));

    /// <summary>0 keeps a dimension, −1 is inferred.</summary>
    public string Reshape(string x, params long[] shape) => Node("Reshape", [x, Integers(shape)]);

    public string Concat(long axis, params string[] values) => Node("Concat", values, Attribute("axis", axis));

    /// <summary>One index of a dimension, which is dropped.</summary>
    public string Select(string x, long axis, long index) =>
        Node("Gather", [x, Constant<long>("index", TensorProto.Types.DataType.Int64, [index])], Attribute("axis", axis));

    /// <summary>Entries of a value's first dimension.</summary>
    public string Gather(string x, string indices) => Node("Gather", [x, indices], Attribute("axis", 0));

    /// <summary>Sums of the updates (N,k) that go into the same column, of (N, columns).</summary>
    public string ScatterAdd(string columns, string updates, long count) =>
        Node("ScatterElements", [Constant(new float[count], 1, count), columns, updates], Attribute("axis", 1), Attribute("reduction", "add"));

    /// <summary>The last dimension at length 1, as <c>torch.nn.functional.normalize</c> has it.</summary>
    public string Normalize(string x) =>
        Div(x, Node("Max", [Node("ReduceL2", [x], Attribute("axes", [-1]), Attribute("keepdims", 1)), Constant(1e-12f)]));

    /// <summary>The sum over the last dimension, which stays.</summary>
    public string ReduceSum(string x) => Node("ReduceSum", [x, Integers(-1)], Attribute("keepdims", 1));

    /// <summary>The range [start, start + length) of each of the axes.</summary>
    public string Slice(string x, long start, long length, params long[] axes)
    {
        long[] starts = [.. axes.Select(_ => start)], ends = [.. axes.Select(_ => start + length)];
        return Node("Slice", [x, Integers(starts), Integers(ends), Integers(axes)]);
    }

    public string ReduceMean(string x, bool keepDimensions, params long[] axes) => Reduce("ReduceMean", x, keepDimensions, axes);

    public string ReduceMax(string x, bool keepDimensions, params long[] axes) => Reduce("ReduceMax", x, keepDimensions, axes);

    /// <summary>As <c>Conv2d</c>: square kernels of that weight.</summary>
    public string Conv(string x, Tensor weight, Tensor? bias, long stride, long padding, long groups = 1)
    {
        string[] inputs = bias is null ? [x, Weight(weight)] : [x, Weight(weight), Weight(bias)];
        AttributeProto[] window = [.. Window(weight.size(2), stride, padding)];
        return Node("Conv", inputs, groups == 1 ? window : [.. window, Attribute("group", groups)]);
    }

    public string MaxPool(string x, long kernel, long stride, long padding) => Node("MaxPool", [x], [.. Window(kernel, stride, padding)]);

    /// <summary>As <c>AveragePool2x2</c>: behind the last row and column stands a border of zeros, which counts at stride 2 only.</summary>
    public string AveragePool2x2(string x, long stride) => Node("AveragePool", [x],
        Attribute("kernel_shape", [2, 2]), Attribute("strides", [stride, stride]), Attribute("pads", [0, 0, 1, 1]), Attribute("count_include_pad", stride - 1));

    /// <summary>(N,C) or (N,C,H,W), by running statistics.</summary>
    public string BatchNorm(string x, Tensor mean, Tensor variance, Tensor? scale, Tensor? shift, double eps)
    {
        string gamma = scale is null ? Filled(mean.numel(), 1) : Weight(scale), beta = shift is null ? Filled(mean.numel(), 0) : Weight(shift);
        return Node("BatchNormalization", [x, gamma, beta, Weight(mean), Weight(variance)], Attribute("epsilon", (float)eps));
    }

    /// <summary>Over the last dimension.</summary>
    public string LayerNorm(string x, Tensor scale, Tensor shift, double eps) =>
        Node("LayerNormalization", [x, Weight(scale), Weight(shift)], Attribute("axis", -1), Attribute("epsilon", (float)eps));

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
    public string Maxout(string x, long pieces) => ReduceMax(Reshape(x, 0, -1, pieces), keepDimensions: false, 2);

    /// <summary>A (1,…) value once for every row of the input x.</summary>
    public string ForEachRow(string value, string x, params long[] shape)
    {
        string batch = Node("Shape", [x], Attribute("start", 0), Attribute("end", 1));
        return Node("Expand", [value, Concat(0, batch, Integers(shape))]);
    }

    private string Reduce(string op, string x, bool keepDimensions, long[] axes) =>
        Node(op, [x], Attribute("axes", axes), Attribute("keepdims", keepDimensions ? 1 : 0));

    private string Filled(long count, float value)
    {
        var values = new float[count];
        Array.Fill(values, value);
        return Constant(values, count);
    }

    private static AttributeProto[] Window(long kernel, long stride, long padding) =>
    [
        Attribute("kernel_shape", [kernel, kernel]), Attribute("strides", [stride, stride]), Attribute("pads", [padding, padding, padding, padding]),
    ];

    private static AttributeProto Attribute(string name, long value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    private static AttributeProto Attribute(string name, float value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    private static AttributeProto Attribute(string name, string value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(value) };

    private static AttributeProto Attribute(string name, IEnumerable<string> values) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Strings, Strings = { values.Select(ByteString.CopyFromUtf8) } };

    private static AttributeProto Attribute(string name, long[] values) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { values } };
}
