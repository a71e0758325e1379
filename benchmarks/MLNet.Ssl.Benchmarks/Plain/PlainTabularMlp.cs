using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>i-Mix's perceptron for tables of TorchSharp's own modules.</summary>
internal sealed class PlainTabularMlp : Module<Tensor, Tensor>
{
    private readonly long[] _groups;
    private readonly long _maxout;
    private readonly ModuleList<Module<Tensor, Tensor>> input;
    private readonly ModuleList<PlainHidden> hidden;
    private readonly Module<Tensor, Tensor> output;

    public PlainTabularMlp(TabularMlpOptions options) : base(nameof(PlainTabularMlp))
    {
        _groups = [.. options.InputGroups!.Select(slots => (long)slots)];
        _maxout = options.MaxoutGroup;
        int[] widths = [options.InputWidth * _groups.Length, .. options.HiddenWidths];
        input = new([.. _groups.Select(slots => nn.Linear(slots, options.InputWidth))]);
        hidden = new([.. widths.Zip(widths.Skip(1)).Select(pair => new PlainHidden(pair.First, pair.Second))]);
        output = nn.Linear(widths[^1], options.OutputWidth);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        x = cat([.. input.Zip(x.split(_groups, 1)).Select(part => part.First.call(part.Second))], 1);
        foreach (var layer in hidden) x = layer.call(x);
        return output.call(x).view(x.size(0), -1, _maxout).max(2).values;
    }
}

internal sealed class PlainHidden : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> linear;
    private readonly Module<Tensor, Tensor> bn;

    public PlainHidden(long inputs, long outputs) : base(nameof(PlainHidden))
    {
        linear = nn.Linear(inputs, outputs);
        bn = BatchNorm1d(outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => functional.relu(bn.call(linear.call(x)), inplace: true);
}
