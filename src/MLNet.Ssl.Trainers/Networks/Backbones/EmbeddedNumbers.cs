using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>Rows (B, D) whose numbers are embedded: the other slots in order, then what stands for each number.
/// (B, <see cref="Width"/>).</summary>
internal sealed class EmbeddedNumbers : Module<Tensor, Tensor>, IOnnxLayer, IKeepsSinglePrecision
{
    private const double Reach = 2.5;

    private const double FrequencyDeviation = 0.3;

    private readonly long[] _numbers, _others;
    private readonly float[] _lower, _upper, _start;
    private readonly int _bins;
    private readonly DeviceTensors _constants;
    private readonly Parameter? frequency;

    public EmbeddedNumbers(TabularMlpOptions options, torch.Generator generator) : base(nameof(EmbeddedNumbers))
    {
        _numbers = Array.ConvertAll(options.NumericSlots!, slot => (long)slot);
        _others = [.. Enumerable.Range(0, options.InputGroups!.Sum()).Select(slot => (long)slot).Except(_numbers)];
        _bins = options.NumberBins;
        float width = BinWidth;
        _start = [.. Enumerable.Range(0, _bins).Select(bin => (float)(-Reach + bin * (double)width))];
        // The outer bins have no end.
        _lower = [.. _start.Select((start, bin) => bin == 0 ? -float.MaxValue : 0)];
        _upper = [.. _start.Select((start, bin) => bin == _bins - 1 ? float.MaxValue : 1)];
        if (options.NumberEmbedding == NumberEmbedding.Periodic)
            frequency = Initialization.Normal(FrequencyDeviation, generator, _numbers.Length, _bins);
        _constants = new(device =>
        [
            NativeTensor.On(device, _others), NativeTensor.On(device, _numbers), NativeTensor.On(device, _start),
            NativeTensor.On(device, _lower), NativeTensor.On(device, _upper),
        ]);
        RegisterComponents();
    }

    /// <summary>Width of a row behind it.</summary>
    public int Width => _others.Length + _numbers.Length * (frequency is null ? _bins : 2 * _bins + 1);

    private float BinWidth => (float)(2 * Reach / _bins);

    public override Tensor forward(Tensor x)
    {
        var constants = _constants.On(x.device);
        var (start, lower, upper) = (constants[2], constants[3], constants[4]);
        var (others, numbers) = (x.index_select(1, constants[0]), x.index_select(1, constants[1]));
        if (frequency is null)
        {
            var passed = (numbers.unsqueeze(2) - start).Div(BinWidth);
            return cat([others, passed.clamp(lower, upper).flatten(1)], 1);
        }
        var angle = (numbers.unsqueeze(2) * frequency).Mul(2 * Math.PI).flatten(1);
        return cat([others, numbers, angle.sin(), angle.cos()], 1);
    }

    public string Export(OnnxGraph graph, string x)
    {
        string others = graph.Gather(x, 1, _others), numbers = graph.Gather(x, 1, _numbers);
        string each = graph.Reshape(numbers, 0, -1, 1);
        string Row(float[] values) => graph.Constant(values, 1, 1, values.Length);
        if (frequency is null)
        {
            string passed = graph.Div(graph.Sub(each, Row(_start)), graph.Constant(BinWidth));
            passed = graph.Node("Min", [graph.Node("Max", [passed, Row(_lower)]), Row(_upper)]);
            return graph.Concat(1, others, graph.Reshape(passed, 0, _numbers.Length * _bins));
        }
        string angle = graph.Mul(graph.Mul(each, graph.Weight(frequency)), graph.Constant((float)(2 * Math.PI)));
        angle = graph.Reshape(angle, 0, _numbers.Length * _bins);
        return graph.Concat(1, others, numbers, graph.Node("Sin", [angle]), graph.Node("Cos", [angle]));
    }
}
