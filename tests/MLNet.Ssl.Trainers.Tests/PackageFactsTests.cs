using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What TorchSharp and libtorch do that the product leans on or works around: a failure here says that a
/// new version does otherwise.</summary>
public sealed class PackageFactsTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    /// <summary>So the finaliser may free it while native code reads it. That crashes at random, so
    /// the code is read instead.</summary>
    [Theory]
    [InlineData(nameof(Tensor.mul), 1)]
    [InlineData(nameof(Tensor.mul_), 1)]
    [InlineData(nameof(Tensor.add), 2)]
    [InlineData(nameof(Tensor.add_), 2)]
    public void AScalarIsPassedByItsHandleAndNothingKeepsItAlive(string operation, int parameters)
    {
        Assert.NotNull(typeof(Scalar)
            .GetMethod("Finalize", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly));
        Type[] types = parameters == 1 ? [typeof(Scalar)] : [typeof(Tensor), typeof(Scalar)];
        var calls = Calls(typeof(Tensor).GetMethod(operation, types)!);
        var native = Assert.Single(calls, call => call.Name.StartsWith("THS", StringComparison.Ordinal));
        Assert.All(native.GetParameters(), parameter => Assert.Equal(typeof(IntPtr), parameter.ParameterType));
        Assert.Contains(calls, call => call.DeclaringType == typeof(Scalar) && call.Name == "get_Handle");
        Assert.DoesNotContain(calls, call => call.Name is nameof(GC.KeepAlive) or "DangerousAddRef");
    }

    [Fact]
    public void AddingTensorsMakesAScalarThatNobodyHolds()
    {
        // a + b is a.add(b), which is a.add(b, 1), with a Scalar made of the 1.
        Assert.Contains(Calls(typeof(Tensor).GetMethod("op_Addition", [typeof(Tensor), typeof(Tensor)])!), call =>
            call.Name == nameof(Tensor.add));
        foreach (string operation in (string[])[nameof(Tensor.add), nameof(Tensor.add_)])
        {
            var calls = Calls(typeof(Tensor).GetMethod(operation, [typeof(Tensor)])!);
            Assert.Contains(calls, call => call.DeclaringType == typeof(Scalar) && call.Name == "op_Implicit");
        }
    }

    [Fact]
    public void AGeneratorOfADeviceIsTheProcessorsWhateverItSays()
    {
        using var cuda = new Generator(1, new Device("cuda"));
        using var cpu = new Generator(1, CPU);
        Assert.Equal(DeviceType.CUDA, cuda.device.type);
        // libtorch refuses a generator of another device than the tensor's.
        Assert.Equal(rand(5, device: CPU, generator: cpu).data<float>().ToArray(),
            rand(5, device: CPU, generator: cuda).data<float>().ToArray());
    }

    [Fact]
    public void TheBytesOfATensorEndBelowTwoGibibytes()
    {
        // Pages that are never touched take no memory.
        using var most = empty(int.MaxValue, dtype: uint8, device: CPU);
        Assert.Equal(int.MaxValue, most.bytes.Length);
        using var more = empty(int.MaxValue + 1L, dtype: uint8, device: CPU);
        Assert.Throws<ArgumentException>(() => more.bytes.Length);
    }

    /// <summary>Mean and deviation are exchanged, so that networks start from equal weights, or from none
    /// where a draw is infinite.</summary>
    [Fact]
    public void TheTruncatedNormalInitialisationMakesAConstant()
    {
        float[] values = nn.init.trunc_normal_(zeros(1000), std: 0.02).data<float>().ToArray();
        Assert.All(values, value => Assert.True(value == 0.02f || float.IsNaN(value)));
    }

    [Fact]
    public void AParameterTakesItsTensor()
    {
        var data = ones(3);
        using var parameter = new Parameter(data);
        Assert.True(data.IsInvalid);
        Assert.False(parameter.IsInvalid);
    }

    [Fact]
    public void MovingAModuleReplacesItsParametersAndDisposesOfThem()
    {
        using var layer = nn.Linear(3, 3);
        var before = layer.weight!;
        layer.to(float64);
        Assert.True(before.IsInvalid);
        Assert.NotSame(before, layer.weight);
    }

    [Fact]
    public void ParametersAndGradientsMayBeViewsOfOneBuffer()
    {
        using var layer = nn.Linear(2, 3, hasBias: false);
        Tensor values = arange(6, dtype: float32), gradients = zeros(6);
        var weight = layer.weight!;
        using (no_grad())
        {
            weight.set_(values.view(3, 2));
            weight.grad = gradients.view(3, 2);
        }
        for (int pass = 1; pass <= 2; pass++)
        {
            layer.call(ones(1, 2)).sum().backward();
            // Added to in place.
            Assert.Equal(Enumerable.Repeat((float)pass, 6), gradients.data<float>().ToArray());
        }
        using (no_grad()) values.zero_();
        Assert.Equal(new float[6], weight.data<float>().ToArray());
    }

    /// <summary>Relative errors are those of 8 bits of mantissa.</summary>
    [Theory]
    [InlineData("linear")]
    [InlineData("layer_norm with float32 weights")]
    [InlineData("layer_norm")]
    [InlineData("batch_norm with float32 weights and statistics")]
    [InlineData("conv2d")]
    [InlineData("attention")]
    [InlineData("gelu")]
    [InlineData("mean pooling")]
    [InlineData("bicubic")]
    public void ABfloat16OperatorRunsOnAProcessorForwardAndBackward(string name)
    {
        Operator run = Operators[name];
        using var generator = new Generator(1, CPU);
        var x = randn([4, 16, 8, 8], generator: generator);
        var (weight, filter) = (randn([32, 8], generator: generator), randn([16, 16, 3, 3], generator: generator));
        var (exact, exactGradient) = Pass(run, x, weight, filter);
        var (half, halfGradient) = Pass(run, x.to(bfloat16), weight.to(bfloat16), filter.to(bfloat16));
        Assert.Equal(bfloat16, half.dtype);
        Assert.InRange(Distance(exact, half), 0, 0.01);
        Assert.Equal(bfloat16, halfGradient.dtype);
        Assert.InRange(Distance(exactGradient, halfGradient), 0, 0.02);
    }

    [Fact]
    public void Bfloat16AndFloat32DoNotMixInLinearOrLayerNorm()
    {
        Tensor x = ones(4, 8), weight = ones(8, 8), bias = ones(8);
        Tensor xHalf = x.to(bfloat16), weightHalf = weight.to(bfloat16), biasHalf = bias.to(bfloat16);
        Assert.Throws<ExternalException>(() => nn.functional.linear(xHalf, weightHalf, bias));
        Assert.Throws<ExternalException>(() => nn.functional.linear(xHalf, weight, biasHalf));
        Assert.Throws<ExternalException>(() => nn.functional.layer_norm(x, [8], biasHalf, biasHalf));
    }

    [Fact]
    public void WeightsOfBatchNormMayStayInFloat32WithTheirGradients()
    {
        using var weight = new Parameter(ones(16));
        var x = randn(4, 16, 8, 8).to(bfloat16);
        nn.functional.batch_norm(x, zeros(16), ones(16), weight, zeros(16), training: true).sum().backward();
        Assert.Equal(float32, weight.grad!.dtype);
    }

    [Fact]
    public void ABfloat16GradientIsAddedToAFloat32One()
    {
        using var parameter = new Parameter(ones([3], dtype: bfloat16));
        var gradient = ones([3], dtype: float32);
        using (no_grad()) parameter.grad = gradient;
        parameter.to(float32).sum().backward();
        Assert.Equal([2f, 2, 2], gradient.data<float>().ToArray());
    }

    [Fact]
    public void SmallUpdatesAreLostInBfloat16()
    {
        using Scalar one = 1.ToScalar(), step = 1e-4.ToScalar();
        Tensor half = ones([1], dtype: bfloat16), whole = ones([1]);
        Tensor change = ones(1).mul(step);
        for (int i = 0; i < 100; i++)
        {
            half.add_(change.to(bfloat16), one);
            whole.add_(change, one);
        }
        Assert.Equal(1f, half.to(float32).item<float>());
        Assert.Equal(1.01f, whole.item<float>(), 1e-4f);
    }

    private delegate Tensor Operator(Tensor x, Tensor weight, Tensor filter);

    private static Dictionary<string, Operator> Operators { get; } = new()
    {
        ["linear"] = (x, weight, _) => nn.functional.linear(x, weight, zeros(32).to(weight.dtype)),
        ["layer_norm with float32 weights"] = (x, _, _) => nn.functional.layer_norm(x, [8], ones(8), zeros(8)),
        ["layer_norm"] = (x, _, _) => nn.functional.layer_norm(x, [8], ones(8).to(x.dtype), zeros(8).to(x.dtype)),
        ["batch_norm with float32 weights and statistics"] =
            (x, _, _) => nn.functional.batch_norm(x, zeros(16), ones(16), ones(16), zeros(16), training: true),
        ["conv2d"] = (x, _, filter) => nn.functional.conv2d(x, filter, padding: [1, 1]),
        ["attention"] = (x, _, _) => nn.functional.scaled_dot_product_attention(x, x, x),
        ["gelu"] = (x, _, _) => nn.functional.gelu(x),
        ["mean pooling"] = (x, _, _) => nn.functional.adaptive_avg_pool2d(x, [2, 2]),
        ["bicubic"] = (x, _, _) => nn.functional.interpolate(x, [5, 5], mode: InterpolationMode.Bicubic),
    };

    private static (Tensor Output, Tensor Gradient) Pass(Operator run, Tensor x, Tensor weight, Tensor filter)
    {
        var input = x.clone().requires_grad_();
        var output = run(input, weight, filter);
        // A sum would have the gradient zero behind a norm.
        using var generator = new Generator(2, CPU);
        var direction = randn(output.shape, generator: generator).to(output.dtype);
        output.backward([direction]);
        return (output.detach(), input.grad!);
    }

    private static double Distance(Tensor expected, Tensor actual) =>
        actual.to(float64).sub(expected.to(float64)).norm().item<double>() / expected.to(float64).norm().item<double>();

    /// <summary>The methods that a method calls.</summary>
    private static List<MethodBase> Calls(MethodInfo method)
    {
        const byte call = 0x28, callVirtual = 0x6F;
        byte[] code = method.GetMethodBody()!.GetILAsByteArray()!;
        var calls = new List<MethodBase>();
        for (int at = 0; at + 5 <= code.Length; at++)
        {
            if (code[at] is not (call or callVirtual)) continue;
            try
            {
                calls.Add(method.Module.ResolveMethod(BitConverter.ToInt32(code, at + 1))!);
                at += 4;
            }
            catch (Exception e) when (e is ArgumentException or BadImageFormatException)
            {
                // An operand that looks like a call.
            }
        }
        return calls;
    }
}
