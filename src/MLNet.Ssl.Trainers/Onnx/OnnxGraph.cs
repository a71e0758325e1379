using System.Runtime.InteropServices;
using Google.Protobuf;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Onnx;

/// <summary>
/// An ONNX graph under construction (opset 17). A value is known by its name: methods add a node or an initializer
/// and return the name of what it gives.
/// </summary>
/// <remarks>
/// Operators have the names of ONNX and the meaning of <see href="https://onnx.ai/onnx/operators/"/>;
/// <see cref="Node"/> adds any other. Dimensions count from 0 with the batch, −1 is the last.
/// </remarks>
public sealed partial class OnnxGraph
{
    /// <summary>Version of the operators' definitions; 17 brings LayerNormalization.</summary>
    public const long Opset = 17;

    /// <summary>The operators of classical machine learning; version 2 of them can name slots.</summary>
    private const string MLDomain = "ai.onnx.ml";
    private const long MLOpset = 2;

    /// <summary>Protobuf's limit of 2 GiB, less room for all that is not weights.</summary>
    private const long MostBytes = int.MaxValue - (16L << 20);

    private readonly GraphProto _graph = new();
    private readonly Dictionary<object, string> _names = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, int> _used = [];
    private readonly List<(TensorProto Proto, Tensor Value)> _weights = [];

    /// <param name="network">Initializers have the names of its state dict.</param>
    /// <param name="inputShape">Shape of what the network sees, without the batch.</param>
    internal OnnxGraph(Module network, params long[] inputShape) : this(network.GetName(), inputShape)
    {
        foreach (var (name, tensor) in network.state_dict()) _names.TryAdd(tensor, name);
    }

    internal OnnxGraph(string name, params long[] inputShape) => (_graph.Name, InputShape) = (name, inputShape);

    /// <summary>Shape of what the network sees, without the batch: (3,H,W) for images.</summary>
    public IReadOnlyList<long> InputShape { get; }

    /// <summary>The operator sets that the nodes are of.</summary>
    internal IEnumerable<OperatorSetIdProto> Opsets
    {
        get
        {
            yield return new() { Domain = "", Version = Opset };
            if (_graph.Node.Any(node => node.Domain == MLDomain))
                yield return new() { Domain = MLDomain, Version = MLOpset };
        }
    }

    /// <summary>Declares an input of single precision; the batch comes first and may be of any size.</summary>
    internal string Input(string name, string description, params long[] shape)
    {
        _graph.Input.Add(Value(name, description, shape));
        return name;
    }

    /// <summary>Declares a value as an output of that name.</summary>
    internal void Output(string name, string description, string x, params long[] shape)
    {
        _graph.Node.Add(new NodeProto { Name = name, OpType = "Identity", Input = { x }, Output = { name } });
        _graph.Output.Add(Value(name, description, shape));
    }

    /// <summary>
    /// Declares an input that is one row's vector, as ML.NET's ApplyOnnxModel feeds it; without a length, of any
    /// length: there, a vector of unknown size.
    /// </summary>
    /// <returns>The row as a batch of one, (1, length).</returns>
    internal string RowInput(string name, string description, long? length)
    {
        var value = Value(name, description, []);
        var dimensions = value.Type.TensorType.Shape.Dim;
        dimensions[0] = new() { DimValue = 1 };
        dimensions.Add(length is { } size ? new() { DimValue = size }
            : new TensorShapeProto.Types.Dimension { DimParam = "values" });
        _graph.Input.Add(value);
        return name;
    }

    /// <summary>Declares a batch of one row as an output that is the row's vector, without the batch: ML.NET then has a
    /// vector of one dimension.</summary>
    internal void RowOutput(string name, string description, string x, long length)
    {
        var value = Value(name, description, []);
        value.Type.TensorType.Shape.Dim[0] = new() { DimValue = length };
        _graph.Node.Add(
            new NodeProto { Name = name, OpType = "Reshape", Input = { x, Integers(length) }, Output = { name } });
        _graph.Output.Add(value);
    }

    /// <summary>Names of an output's slots, in the form in which ML.NET's ApplyOnnxModel reads them: on a
    /// node that computes nothing.</summary>
    internal void SlotNames(string output, string[] names)
    {
        string unused = Unique("unused");
        var text = Initializer(unused, TensorProto.Types.DataType.String, [1]);
        text.StringData.Add(ByteString.Empty);
        _graph.Node.Add(new NodeProto
        {
            Name = $"mlnet.{output}.SlotNames",
            OpType = "LabelEncoder",
            Domain = MLDomain,
            Input = { unused },
            Output = { Unique("unused") },
            Attribute = { Attribute("keys_strings", names),
                Attribute("values_int64s", Enumerable.Range(0, names.Length).Select(n => (long)n).ToArray()) },
        });
    }

    /// <summary>The nodes of a module: an <see cref="IOnnxLayer"/>, or a chain of them.</summary>
    /// <param name="module">The module.</param>
    /// <param name="x">Name of its input.</param>
    /// <exception cref="NotSupportedException">The module, or one in it, cannot be written as ONNX.</exception>
    public string Apply(Module module, string x) => module switch
    {
        IOnnxLayer layer => layer.Export(this, x),
        Sequential chain => chain.children().Aggregate(x, (value, child) => Apply(child, value)),
        _ => throw new NotSupportedException(
            $"{module.GetType().Name} cannot be exported to ONNX: it does not implement {nameof(IOnnxLayer)}, which "
            + "says how (docs/onnx.md). The backbones of MLNet.Ssl do."),
    };

    /// <summary>Adds a node with one result.</summary>
    /// <param name="op">The operator, of opset 17.</param>
    /// <param name="inputs">Names of its inputs.</param>
    /// <param name="attributes">Its attributes by name: an integer, a float, or an array
    /// of integers (long[]) each.</param>
    /// <returns>Name of the result.</returns>
    /// <exception cref="ArgumentException">An attribute is of another type.</exception>
    public string Node(string op, string[] inputs, params (string Name, object Value)[] attributes)
    {
        string name = Unique(op);
        var node = new NodeProto { Name = name, OpType = op, Input = { inputs }, Output = { name } };
        node.Attribute.AddRange(attributes.Select(attribute => Attribute(attribute.Name, attribute.Value)));
        _graph.Node.Add(node);
        return name;
    }

    /// <summary>The greatest values of the last dimension, the greatest first, and where they stand.</summary>
    internal (string Values, string Indices) TopK(string x, long count)
    {
        string name = Unique("TopK"), indices = Unique("TopK");
        _graph.Node.Add(
            new NodeProto { Name = name, OpType = "TopK", Input = { x, Integers(count) }, Output = { name, indices } });
        return (name, indices);
    }

    /// <summary>A parameter or buffer of the network, by its name in the state dict.</summary>
    /// <param name="tensor">The very tensor that the module holds.</param>
    /// <exception cref="ArgumentException">It is not in the network's state dict.</exception>
    public string Weight(Tensor tensor) => _names.TryGetValue(tensor, out string? name)
        ? Weight(name, tensor)
        : throw new ArgumentException(
            $"A tensor of shape ({string.Join(", ", tensor.shape)}) is no parameter or buffer of {_graph.Name}.",
            nameof(tensor));

    /// <summary>A tensor in single precision; it must live until <see cref="Build"/>.</summary>
    internal string Weight(string name, Tensor tensor)
    {
        if (!_used.TryAdd(name, 1)) return name;
        var proto = Initializer(name, TensorProto.Types.DataType.Float, tensor.shape);
        _weights.Add((proto, tensor));
        return name;
    }

    /// <summary>A constant scalar of single precision.</summary>
    public string Constant(float value) => Constant([value]);

    /// <summary>A constant of single precision and that shape; without one, a scalar.</summary>
    public string Constant(ReadOnlySpan<float> values, params long[] shape) =>
        Constant("constant", TensorProto.Types.DataType.Float, values, shape);

    /// <summary>Integers of shape (n), as Reshape and its like take them.</summary>
    public string Integers(params long[] values) =>
        Constant("integers", TensorProto.Types.DataType.Int64, values.AsSpan(), values.Length);

    /// <summary>The finished graph, with copies of the weights.</summary>
    /// <exception cref="NotSupportedException">It would not fit into a file.</exception>
    internal GraphProto Build()
    {
        long bytes = _weights.Sum(w => w.Value.numel() * sizeof(float));
        if (bytes > MostBytes)
            throw new NotSupportedException(
                $"{_graph.Name} has {bytes / 1e9:0.00} GB of weights; an ONNX file can hold at most "
                + $"{MostBytes / 1e9:0.00} GB.");
        foreach (var (proto, value) in _weights)
            proto.RawData = ByteString.CopyFrom(value.detach().to(ScalarType.Float32).cpu().contiguous().bytes);
        return _graph;
    }

    private string Constant<T>(string name, TensorProto.Types.DataType type, ReadOnlySpan<T> values,
        params long[] shape) where T : struct
    {
        name = Unique(name);
        Initializer(name, type, shape).RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values));
        return name;
    }

    private TensorProto Initializer(string name, TensorProto.Types.DataType type, long[] shape)
    {
        var proto = new TensorProto { Name = name, DataType = (int)type, Dims = { shape } };
        _graph.Initializer.Add(proto);
        return proto;
    }

    private string Unique(string name)
    {
        int number = CollectionsMarshal.GetValueRefOrAddDefault(_used, name, out _)++;
        return $"{name}_{number}";
    }

    private static AttributeProto Attribute(string name, object value) => value switch
    {
        long number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = number },
        int number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = number },
        float number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = number },
        long[] numbers => new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { numbers } },
        string text =>
            new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(text) },
        string[] texts => new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Strings,
            Strings = { texts.Select(ByteString.CopyFromUtf8) }
        },
        _ => throw new ArgumentException(
            $"the attribute {name} is a {value.GetType().Name}; expected an integer, a float, a text or an array of "
            + "integers or texts.", nameof(value)),
    };

    private static ValueInfoProto Value(string name, string description, long[] shape)
    {
        var dimensions = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = "N" } } };
        dimensions.Dim.AddRange(shape.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        var type = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float, Shape = dimensions };
        return new() { Name = name, DocString = description, Type = new() { TensorType = type } };
    }
}
