using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>ResNet-18 for small images, of TorchSharp's own modules: a 3×3 stem of stride 1, no max-pool.</summary>
internal sealed class PlainResNet : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Module<Tensor, Tensor> layer1;
    private readonly Module<Tensor, Tensor> layer2;
    private readonly Module<Tensor, Tensor> layer3;
    private readonly Module<Tensor, Tensor> layer4;

    public PlainResNet(long width) : base(nameof(PlainResNet))
    {
        conv1 = Conv2d(3, width, 3, 1, 1, bias: false);
        bn1 = BatchNorm2d(width);
        layer1 = Stage(width, width, 1);
        layer2 = Stage(width, 2 * width, 2);
        layer3 = Stage(2 * width, 4 * width, 2);
        layer4 = Stage(4 * width, 8 * width, 2);
        RegisterComponents();
        foreach (var (name, parameter) in named_parameters().Where(p => p.parameter.ndim == 4))
            init.kaiming_normal_(parameter, mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU);
    }

    public override Tensor forward(Tensor x)
    {
        x = functional.relu(bn1.call(conv1.call(x)), inplace: true);
        return layer4.call(layer3.call(layer2.call(layer1.call(x)))).mean([2, 3]);
    }

    private static Module<Tensor, Tensor> Stage(long inputs, long outputs, long stride) =>
        Sequential(new PlainResidualBlock(inputs, outputs, stride), new PlainResidualBlock(outputs, outputs, 1));
}

internal sealed class PlainResidualBlock : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly Module<Tensor, Tensor> bn1;
    private readonly Module<Tensor, Tensor> conv2;
    private readonly Module<Tensor, Tensor> bn2;
    private readonly Module<Tensor, Tensor>? downsample;

    public PlainResidualBlock(long inputs, long outputs, long stride) : base(nameof(PlainResidualBlock))
    {
        conv1 = Conv2d(inputs, outputs, 3, stride, 1, bias: false);
        bn1 = BatchNorm2d(outputs);
        conv2 = Conv2d(outputs, outputs, 3, 1, 1, bias: false);
        bn2 = BatchNorm2d(outputs);
        if (stride != 1 || inputs != outputs)
            downsample = Sequential(Conv2d(inputs, outputs, 1, stride, bias: false), BatchNorm2d(outputs));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var y = bn2.call(conv2.call(functional.relu(bn1.call(conv1.call(x)), inplace: true)));
        return functional.relu(y + (downsample?.call(x) ?? x), inplace: true);
    }
}

/// <summary>SimCLR's head: two layers without bias, batch norm after each, the last without shift.</summary>
internal sealed class PlainProjectionHead : Module<Tensor, Tensor>
{
    private readonly ModuleList<PlainProjectionLayer> layers;

    public PlainProjectionHead(long inputs, long outputs) : base(nameof(PlainProjectionHead))
    {
        layers = new(new(inputs, inputs, last: false), new(inputs, outputs, last: true));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        foreach (var layer in layers) x = layer.call(x);
        return x;
    }
}

internal sealed class PlainProjectionLayer : Module<Tensor, Tensor>
{
    private readonly bool _last;
    private readonly Module<Tensor, Tensor> linear;
    private readonly Module<Tensor, Tensor> bn;

    public PlainProjectionLayer(long inputs, long outputs, bool last) : base(nameof(PlainProjectionLayer))
    {
        _last = last;
        var layer = nn.Linear(inputs, outputs, hasBias: false);
        var norm = BatchNorm1d(outputs);
        init.normal_(layer.weight!, std: 0.01);
        norm.bias!.requires_grad = !last;
        (linear, bn) = (layer, norm);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        x = bn.call(linear.call(x));
        return _last ? x : functional.relu(x, inplace: true);
    }
}
