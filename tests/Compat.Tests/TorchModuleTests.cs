using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static Compat.Tests.TorchAssert;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Compat.Tests;

public class TorchModuleTests
{
    private sealed class Net : nn.Module<Tensor, Tensor>
    {
        internal readonly Linear First = nn.Linear(3, 2);
        internal readonly ModuleList<nn.Module<Tensor, Tensor>> blocks = nn.ModuleList<nn.Module<Tensor, Tensor>>(nn.LayerNorm(2), nn.Linear(2, 2));
        [ComponentName(Name = "gain")] private readonly Parameter _scale = new(ones(2));
        private readonly Tensor _counter = zeros([], int64);
        private readonly int[] _plain = [1];

        internal Net() : base(nameof(Net))
        {
            register_buffer("scratch", zeros(1), persistent: false);
            RegisterComponents();
        }

        internal Parameter Scale => _scale;

        internal int[] Plain => _plain;

        public override Tensor forward(Tensor input)
        {
            var x = First.call(input);
            foreach (var block in blocks) x = block.call(x);
            return x * _scale + _counter;
        }
    }

    private static readonly string[] _names =
        ["gain", "First.weight", "First.bias", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "blocks.1.bias"];

    [Fact]
    public void Fields_AreRegisteredUnderTheirNames()
    {
        using var net = new Net();
        Assert.Equal(_names.Order(), net.named_parameters().Select(p => p.name).Order());
        Assert.Equal(["_counter", "scratch"], net.named_buffers().Select(b => b.name).Order());
        Assert.Equal([.. _names.Append("_counter").Order()], net.state_dict().Keys.Order());
        Assert.Equal(["First", "blocks", "blocks.0", "blocks.1"], net.named_modules().Select(m => m.name).Order());
        Assert.Equal(["First", "blocks"], net.named_children().Select(m => m.name).Order());
        Assert.Same(net.Scale, net.get_parameter("gain"));
        Assert.True(net.has_parameter("blocks.1.bias"));
        Assert.False(net.has_parameter("blocks.7.bias"));
        Assert.Throws<ArgumentException>(() => net.register_buffer("gain", zeros(1)));
    }

    [Fact]
    public void StateDict_LoadsByCopy_AndNamesWhatDiffers()
    {
        using Net source = new(), target = new();
        var input = randn([4, 3], generator: new Generator(1));
        source.get_buffer("_counter")!.fill_(3);
        var handles = target.parameters().Select(p => p.Handle).ToList();
        target.load_state_dict(source.state_dict());
        Close(source.call(input), target.call(input), 0);
        Assert.Equal(handles, target.parameters().Select(p => p.Handle));
        var partial = source.state_dict();
        partial.Remove("gain");
        partial["other"] = zeros(1);
        Assert.Contains("gain", Assert.Throws<InvalidOperationException>(() => target.load_state_dict(partial)).Message);
        var (missing, unexpected) = target.load_state_dict(partial, strict: false);
        Assert.Equal(["gain"], missing);
        Assert.Equal(["other"], unexpected);
    }

    [Fact]
    public void SaveAndLoad_RoundTripInTheLibrarysFormat()
    {
        using Net source = new(), target = new();
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true)) source.save(writer);
        var bytes = stream.ToArray();
        // The count, then the first entry: length of the name, name, type 6 (float32), rank 1, size 2, two ones.
        Assert.Equal([8, 4, (byte)'g', (byte)'a', (byte)'i', (byte)'n', 6, 1, 2, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f], bytes[..17]);
        target.load(new MemoryStream(bytes));
        foreach (var (name, tensor) in source.state_dict()) Close(tensor, target.state_dict()[name], 0);
        var loaded = new Dictionary<string, bool>();
        target.load(new MemoryStream(bytes), skip: ["gain"], loadedParameters: loaded);
        Assert.False(loaded["gain"]);
        Assert.True(loaded["First.weight"]);
        Assert.ThrowsAny<Exception>(() => target.load(new MemoryStream(bytes[..^3])));
        using var other = nn.Linear(3, 3);
        Assert.Throws<ArgumentException>(() => other.load(new MemoryStream(bytes)));
        string path = Path.GetTempFileName();
        try
        {
            other.save(path);
            using var third = nn.Linear(3, 3);
            third.load(path);
            Close(other.weight, third.weight, 0);
        }
        finally { File.Delete(path); }
    }

    [Fact]
    public void To_ReplacesParametersAndFields_AndKeepsCounters()
    {
        using var net = new Net();
        var old = net.Scale;
        net.to(float64);
        Assert.True(old.IsInvalid);
        Assert.Equal(ScalarType.Float64, net.Scale.dtype);
        Assert.Same(net.Scale, net.get_parameter("gain"));
        Assert.True(net.Scale.requires_grad);
        Assert.Equal(ScalarType.Int64, net.get_buffer("_counter")!.dtype);
        Assert.Equal(ScalarType.Float64, net.call(randn(2, 3, dtype: float64)).dtype);
        var same = net.Scale;
        Assert.Same(same, net.to(float64).cpu().Scale);
    }

    [Fact]
    public void TrainEvalApplyAndZeroGrad_Recurse()
    {
        using var net = new Net();
        net.eval();
        Assert.All(net.modules(), m => Assert.False(m.training));
        net.train();
        Assert.All(net.modules(), m => Assert.True(m.training));
        int visited = 0;
        net.apply(_ => visited++);
        Assert.Equal(5, visited);
        net.call(randn(2, 3)).sum().backward();
        net.zero_grad(set_to_none: false);
        Assert.All(net.parameters(), p => Assert.Equal(0, p.grad!.abs().sum().ToDouble()));
        net.zero_grad();
        Assert.All(net.parameters(), p => Assert.Null(p.grad));
    }

    [Fact]
    public void Hooks_SeeAndReplaceInputsAndOutputs()
    {
        using var layer = nn.Linear(2, 2);
        Tensor? seen = null;
        var after = layer.register_forward_hook((_, input, output) => { seen = output; return output * 0; });
        var before = layer.register_forward_pre_hook((_, input) => input + 1);
        Close([0, 0], layer.call(zeros(1, 2)));
        Close(F.linear(ones(1, 2), layer.weight, layer.bias), seen!);
        after.remove();
        before.remove();
        Close(layer.forward(zeros(1, 2)), layer.call(zeros(1, 2)));
    }

    [Fact]
    public void Layers_ComputeTheirFormulas()
    {
        using var linear = nn.Linear(2, 1);
        Close(linear.weight.matmul(tensor(new float[] { 1, 2 })) + linear.bias!, linear.call(tensor(new float[] { 1, 2 })));
        Assert.Null(nn.Linear(2, 1, hasBias: false).bias);
        Assert.True(nn.Linear(100, 50).weight.abs().max().ToDouble() is > 0.09 and <= 0.1);

        var row = tensor(new[] { 1.0, 2, 3 });
        Close((row - 2) / Math.Sqrt(2.0 / 3 + 1e-5), nn.LayerNorm(3, dtype: float64).call(row));
    }

    [Fact]
    public void Functionals_ComputeTheirFormulas()
    {
        var logits = tensor(new[] { 1.0, 2, 0, -1, 0.5, 3 }, [2, 3]);
        var labels = tensor(new long[] { 1, 2 });
        var log = logits.log_softmax(1);
        Close(-(log[0, 1] + log[1, 2]) / 2, F.cross_entropy(logits, labels));
        Close(-(log[0, 1] + log[1, 2]), F.nll_loss(log, labels, reduction: nn.Reduction.Sum));
        var soft = tensor(new[] { 0.2, 0.8, 0, 0.5, 0.25, 0.25 }, [2, 3]);
        Close(-(soft * log).sum() / 2, F.cross_entropy(logits, soft));
        var smooth = F.one_hot(labels, 3) * 0.9 + 0.1 / 3;
        Close(-(smooth * log).sum() / 2, F.cross_entropy(logits, labels, label_smoothing: 0.1));
        Close(-log[1, 2], F.cross_entropy(logits, tensor(new long[] { -100, 2 })));
        Close([2.5], F.mse_loss(tensor(new[] { 1.0, 2 }), tensor(new[] { 0.0, 4 })));
        Close([0.125, 1.5], F.smooth_l1_loss(tensor(new[] { 0.5, 2 }), zeros(2, dtype: float64), nn.Reduction.None));
        Close([Math.Log(1 + Math.Exp(-2))], F.binary_cross_entropy_with_logits(tensor(new[] { 2.0 }), ones(1, dtype: float64)));
        Close([0.6], F.cosine_similarity(tensor(new[] { 1.0, 0 }, [1, 2]), tensor(new[] { 3.0, 4 }, [1, 2])));
        Close([0, 0, 1, 2, 0, 0], F.pad(tensor(new[] { 1.0, 2 }), (2, 2)));
        Close([2, 1, 2, 3, 2], F.pad(tensor(new[] { 1.0, 2, 3 }, [1, 1, 3]), (1, 1), PaddingModes.Reflect));
        var corners = tensor(new[] { -1.0, -1, 1, -1, -1, 1, 1, 1 }, [1, 2, 2, 2]);
        Close([1, 2, 3, 4], F.grid_sample(tensor(new[] { 1.0, 2, 3, 4 }, [1, 1, 2, 2]), corners, align_corners: true));
        var image = ones(1, 1, 2, 2);
        Close([1, 2, 1, 2, 4, 2, 1, 2, 1], F.conv2d(image, image, null, [1, 1], [1, 1]), shape: [1, 1, 3, 3]);
        var x = randn([4, 2, 3, 3], generator: new Generator(1));
        var (mean, variance) = (zeros(2), ones(2));
        var normed = F.batch_norm(x, mean, variance, training: true);
        Close([0, 0], normed.mean([0, 2, 3]), 1e-5);
        Close([1, 1], normed.var([0, 2, 3], unbiased: false), 1e-3);
        Close(x.mean([0, 2, 3]) * 0.1, mean);
        Close(x.var([0, 2, 3]) * 0.1 + 0.9, variance);
    }

    [Fact]
    public void Attention_IsTheWrittenOutFormula_WithMasks()
    {
        var g = new Generator(3);
        Tensor q = randn([2, 4, 8], generator: g), k = randn([2, 5, 8], generator: g), v = randn([2, 5, 8], generator: g);
        var scores = q.matmul(k.transpose(1, 2)) / Math.Sqrt(8);
        Close(scores.softmax(-1).matmul(v), F.scaled_dot_product_attention(q, k, v));
        var mask = ones([4, 5], @bool).tril();
        Close(scores.masked_fill(~mask, double.NegativeInfinity).softmax(-1).matmul(v), F.scaled_dot_product_attention(q, k, v, mask));
        Close(F.scaled_dot_product_attention(q, k, v, mask), F.scaled_dot_product_attention(q, k, v, is_casual: true));
        var bias = randn([4, 5], generator: g);
        Close((scores + bias).softmax(-1).matmul(v), F.scaled_dot_product_attention(q, k, v, bias));
    }

    [Fact]
    public void Initializers_HaveTheirSpread()
    {
        Close([Math.Sqrt(2.0 / 100)], nn.init.kaiming_normal_(empty(500, 100), nonlinearity: nn.init.NonlinearityType.ReLU).std(), 0.02);
        Close([Math.Sqrt(6.0 / 600)], nn.init.xavier_uniform_(empty(500, 100)).max(), 0.01);
        var square = nn.init.orthogonal_(empty(4, 6));
        Close(eye(4), square.matmul(square.t()));
        Assert.Equal((9L * 2, 9L * 5), nn.init.CalculateFanInAndFanOut(empty(5, 2, 3, 3)));
        Close([1, 0, 0, 0, 1, 0], nn.init.eye_(empty(2, 3)));
        Close([3, 3], nn.init.constant_(empty(2, requires_grad: true), 3));
    }
}
