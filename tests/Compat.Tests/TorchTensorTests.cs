using System.Runtime.InteropServices;
using TorchSharp;
using static Compat.Tests.TorchAssert;
using static TorchSharp.torch;

namespace Compat.Tests;

public class TorchTensorTests
{
    private static Tensor Matrix => tensor(new float[] { 1, 2, 3, 4, 5, 6 }, [2, 3]);

    [Fact]
    public void Factories_MakeWhatTheyAreAskedFor()
    {
        Close([0, 0], zeros(2), shape: [2]);
        Close([1, 1, 1, 1], ones(2, 2), shape: [2, 2]);
        Close([7, 7], full(2, 7));
        Assert.Equal(ScalarType.Float64, zeros([2], float64).dtype);
        Assert.Equal(ScalarType.Float32, zeros([2]).dtype);
        Close([0, 1, 2], arange(3));
        Assert.Equal(ScalarType.Int64, arange(3).dtype);
        Assert.Equal(ScalarType.Float32, arange(0.0, 1.0, 0.5).dtype);
        Close([1, 3], arange(1, 5, 2));
        Close([0, 0.5, 1], linspace(0, 1, 3));
        Close([1, 0, 0, 1], eye(2));
        Assert.Equal([0, 1, 2, 3], randperm(4).sort().Item1.data<long>().ToArray());
        Assert.All(randint(3, 5, [100]).data<long>().ToArray(), v => Assert.InRange(v, 3, 4));
        Assert.Equal([3L, 4], empty_strided([3, 4], [1, 3]).shape);
        Assert.Equal([1L, 3], empty_strided([3, 4], [1, 3]).stride());
        Assert.Equal(Matrix.shape, zeros_like(Matrix).shape);
        Assert.Equal(ScalarType.Int64, ones_like(Matrix, int64).dtype);
        Assert.True(randn(2, requires_grad: true).requires_grad);
    }

    [Fact]
    public void TensorFromManagedData_CopiesWithTypeAndShape()
    {
        var source = new float[] { 1, 2, 3, 4 };
        var copy = tensor(source, [2, 2]);
        source[0] = 9;
        Close([1, 2, 3, 4], copy, shape: [2, 2]);
        Assert.Equal(ScalarType.Int64, tensor(new long[] { 1 }).dtype);
        Assert.Equal(ScalarType.Bool, tensor(new[] { true, false }).dtype);
        Assert.Equal(ScalarType.Byte, tensor(new byte[] { 1 }).dtype);
        Assert.Equal(ScalarType.Float16, tensor(new[] { 1, 2 }, dtype: float16).dtype);
        Close([1, 2, 3, 4, 5, 6], tensor(new double[,] { { 1, 2, 3 }, { 4, 5, 6 } }), shape: [2, 3]);
        Close([1, 2], tensor((IList<int>)new List<int> { 1, 2 }));
        Close([5], tensor(5f), shape: []);
        Assert.Equal(ScalarType.Float64, tensor(5.0).dtype);
        var wrong = Assert.Throws<ExternalException>(() => tensor(new float[3], [2, 2]));
        Assert.Contains("12 bytes", wrong.Message);
    }

    [Fact]
    public void FromArray_AliasesTheArray_AndKeepsItAliveWhileAViewLives()
    {
        var (view, array) = Make();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        array[1] = 42;
        Close([42], view);
        view.fill_(7).Dispose();
        Assert.Equal(7, array[1]);
        Close([1, 2], from_array(new[] { 1.0, 2.0 }, float32));

        static (Tensor, float[]) Make()
        {
            var data = new float[] { 0, 1, 2 };
            return (from_array(data)[1], data);
        }
    }

    [Fact]
    public void FromBuffer_ReinterpretsFromAnOffset()
    {
        var bytes = new byte[12];
        BitConverter.TryWriteBytes(bytes.AsSpan(4), 1.5f);
        BitConverter.TryWriteBytes(bytes.AsSpan(8), 2.5f);
        Close([1.5, 2.5], frombuffer(bytes, float32, offset: 4));
        Assert.Throws<ArgumentException>(() => frombuffer(bytes, float32, 4));
    }

    [Fact]
    public void Data_ReadsAndWritesAnyStrides()
    {
        var t = Matrix;
        Assert.Equal([1f, 4, 2, 5, 3, 6], t.t().data<float>().ToArray());
        Assert.Equal(5, t.data<float>()[1, 1]);
        t.t().data<float>()[2, 0] = 30;
        Assert.Equal(30, t[0, 2].item<float>());
        t.t().data<float>().CopyFrom([10, 20], 0, 2);
        Close([1, 10, 30, 4, 20, 6], t);
        Assert.Equal([30f, 4], t.data<float>().Skip(2).Take(2));
        var part = new float[5];
        t.data<float>().CopyTo(part, 2, 1);
        Assert.Equal([0f, 0, 10, 30, 4], part);
        Assert.Throws<ArgumentException>(() => t.data<double>());
        Assert.Throws<ArgumentOutOfRangeException>(() => t.data<float>()[2, 0]);
        Assert.Equal(24, t.bytes.Length);
        Assert.Throws<InvalidOperationException>(() => t.t().bytes.Length);
        var accessor = t.data<float>();
        t.Dispose();
        Assert.Throws<ObjectDisposedException>(() => accessor[0, 0]);
    }

    [Fact]
    public void Scalars_ComeBackInEveryType()
    {
        Assert.Equal(2.5f, tensor(2.5f).item<float>());
        Assert.Equal(3L, tensor(3L).item<long>());
        Assert.True(tensor(true).item<bool>());
        Assert.Equal((Half)1.5, tensor(1.5f).half().item<Half>());
        Assert.Equal(7, tensor(7.9).ToInt32());
        Assert.Equal(2.5, (double)tensor(2.5f));
        Assert.Throws<ArgumentException>(() => Matrix.item<float>());
        Assert.Throws<ArgumentException>(() => tensor(1f).item<double>());
    }

    [Fact]
    public void Operators_ComputeWithTensorsAndNumbers()
    {
        Tensor a = new float[] { 1, 2, 4 }, b = new float[] { 4, 2, 1 };
        Close([5, 4, 5], a + b);
        Close([-3, 0, 3], a - b);
        Close([4, 4, 4], a * b);
        Close([0.25, 1, 4], a / b);
        Close([2, 3, 5], a + 1);
        Close([3, 4, 6], 2 + a);
        Close([0.5, 1.5, 3.5], a - 0.5);
        Close([9, 8, 6], 10 - a);
        Close([2.5, 5, 10], a * 2.5f);
        Close([0.5, 1, 2], a / 2L);
        Close([8, 4, 2], 8 / a);
        Close([1, 2, 1], a % 3);
        Close([-1, -2, -4], -a);
        Close([1, 0, 0], a < b);
        Close([0, 1, 0], a == b);
        Close([0, 0, 1], a > 2);
        Close([1, 1, 0], 2 >= a);
        Close([0, 1, 1], ~(a < 2) & (a >= 2) | (a == 9));
        Assert.Equal(ScalarType.Int64, (tensor(new long[] { 1 }) + 1).dtype);
        Assert.Equal(ScalarType.Float32, (tensor(new long[] { 1 }) + 1.5).dtype);
        Close([1, 2, 2], tensor(new long[] { 2, 4, 5 }).div(2, RoundingMode.floor));
    }

    [Fact]
    public void InPlaceOperators_WriteAndReturnAnotherWrapper()
    {
        var t = Matrix;
        var result = t.add_(1).mul_(2);
        Assert.NotSame(t, result);
        result.Dispose();
        Close([4, 6, 8, 10, 12, 14], t);
        Close([5, 7, 9, 11, 13, 15], t.add_(ones(2, 3), alpha: 1));
        Close([1, 1, 1], ones(3).addcmul_(ones(3), zeros(3), 2));
        Close([3, 3, 3], ones(3).addcmul(ones(3), ones(3), 2));
        Close([2], ones(1).addcdiv_(full(1, 4.0), full(1, 2.0), 0.5));
        Close([1.5], ones(1).lerp_(full(1, 3.0), tensor(0.25f)));
        Assert.ThrowsAny<ExternalException>(() => ones(1).lerp_(ones(1), 0.5));
        Close([2, 2, 3], tensor(new float[] { 1, 2, 5 }).clamp_(2, 3));
        Close([1, 2, 3], tensor(new float[] { 1, 2, 5 }).clamp(max: 3));
    }

    [Fact]
    public void Pointwise_FunctionsHaveTheirValues()
    {
        Close([Math.E, Math.Exp(-1)], tensor(new[] { 1.0, -1 }).exp());
        Close([0, Math.Log(2)], tensor(new[] { 1.0, 2 }).log());
        Close([2, 0.5], tensor(new[] { 0.25, 4 }).rsqrt());
        Close([0.8427007929], tensor(1.0).erf());
        Close([1 / (1 + Math.Exp(-2))], tensor(2.0).sigmoid());
        Close([0.8413447461], tensor(1.0).gelu());
        Close([2, -2, 0], tensor(new[] { 1.5, -1.5, 0.5 }).round());
        Close([1.23], tensor(1.234).round(2));
        Close([1, 8], tensor(new[] { 1.0, 2 }).pow(3));
        Close([0, 1, 0], tensor(new[] { 0.0, double.NaN, 1 }).isnan());
        Close([0, 1], tensor(new[] { double.PositiveInfinity, 1 }).isfinite());
        Close([0, 9], tensor(new[] { double.NaN, double.PositiveInfinity }).nan_to_num(posinf: 9));
        Close([3, 2], maximum(tensor(new[] { 3.0, 1 }), tensor(new[] { 2.0, 2 })));
        Close([0.5, 0.5], softmax(zeros(2), 0));
        Close([-Math.Log(2)], zeros(2).log_softmax(0)[0]);
    }

    [Fact]
    public void Reductions_ReduceTheAskedAxes()
    {
        var t = Matrix;
        Close([21], t.sum());
        Close([5, 7, 9], t.sum(dim: 0));
        Close([6, 15], t.sum([1], keepdim: true), shape: [2, 1]);
        Close([3.5], t.mean());
        Close([2, 5], t.mean([1]));
        Close([1, 1], t.var(1));
        Close([2.0 / 3, 2.0 / 3], t.var([1], unbiased: false));
        Close([Math.Sqrt(3.5)], t.std());
        // A literal 0 prefers the overload that takes an element type, here as in the real library.
        Assert.Equal(ScalarType.Byte, t.sum(0).dtype);
        var (values, indices) = t.max(1);
        Close([3, 6], values);
        Close([2, 2], indices);
        Close([4, 5, 6], t.amax([0]));
        Close([1], t.argmin() + 1);
        Close([1, 1, 1], t.argmax(0));
        Close([Math.Log(Math.Exp(1) + Math.Exp(2) + Math.Exp(3))], t.logsumexp(1)[0]);
        Close([Math.Sqrt(91)], t.norm());
        Close([6, 15], t.norm(1, p: 1));
        Close([1, 3, 6, 4, 9, 15], t.cumsum(1));
        var (top, where) = t.topk(2);
        Close([3, 2, 6, 5], top);
        Close([2, 1, 2, 1], where);
        Close([2, 1, 0], t[0].argsort(descending: true));
        Close([1, 1], (t > 2).any(1));
        Close([0, 1], (t > 3).all(1));
        Close([4], count_nonzero(t > 2));
        Close([24], t[1, ..2].prod() + 4);
        var (distinct, inverse, counts) = tensor(new long[] { 5, 3, 5 }).unique(return_inverse: true, return_counts: true);
        Close([3, 5], distinct);
        Close([1, 0, 1], inverse!);
        Close([1, 2], counts!);
        Close([0, 2, 3], searchsorted(tensor(new[] { 1.0, 2, 3 }), tensor(new[] { 0.5, 2.5, 9 })));
        Assert.Equal(ScalarType.Float64, t.sum(float64).dtype);
    }

    [Fact]
    public void Shapes_ViewAndRearrange()
    {
        var t = Matrix;
        Assert.Equal([3L, 2], t.view(3, -1).shape);
        Assert.Equal([6L], t.flatten().shape);
        Close([1, 4, 2, 5, 3, 6], t.transpose(0, 1), shape: [3, 2]);
        Close([1, 4, 2, 5, 3, 6], t.permute(1, 0));
        Assert.Equal([2L, 1, 3], t.unsqueeze(1).shape);
        Assert.Equal([2L, 3], t.unsqueeze(1).squeeze(1).shape);
        Assert.Equal([4L, 2, 3], t.expand(4, 2, 3).shape);
        Close([1, 2, 1, 2], tensor(new[] { 1.0, 2 }).repeat(2));
        Close([1, 1, 2, 2], tensor(new[] { 1.0, 2 }).repeat_interleave(2));
        Close([4, 5, 6, 1, 2, 3], t.flip(0));
        Close([3, 1, 2, 6, 4, 5], t.roll(1, 1));
        Close([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6], cat([t, t]), shape: [4, 3]);
        Assert.Equal([2L, 2, 3], stack([t, t], 1).shape);
        Assert.Equal([2L, 1], t.chunk(3, 1)[2].shape);
        Close([3, 6], t.split([2, 1], dim: 1)[1]);
        Assert.Equal(3, t.unbind(1).Length);
        Close([1, 3, 5], t.as_strided([3], [2]));
        Close([1, 5, 9], cat([t, tensor(new float[] { 7, 8, 9 }, [1, 3])]).diag());
        Assert.Equal([2L, 3, 4], zeros(2, 12).unflatten(1, 3, 4).shape);
        Assert.Equal([1L, 2, 3], zeros(6).unfold(0, 3, 3).unsqueeze(0).shape);
        Close([1, 0, 0, 4, 5, 0], t.tril());
        Close([1, 1, 2, 2], meshgrid([tensor(new[] { 1, 2 }), tensor(new[] { 5, 6 })])[0]);
        Assert.False(t.t().is_contiguous());
        Assert.True(t.t().contiguous().is_contiguous());
    }

    [Fact]
    public void Selection_ByIndexAndMask()
    {
        var t = Matrix;
        Tensor indices = tensor(new long[] { 2, 0 });
        Close([3, 1, 6, 4], t.index_select(1, indices));
        Close([3, 4], t.gather(1, tensor(new long[] { 2, 0 }, [2, 1])));
        Close([0, 0, 9, 8, 0, 0], zeros(2, 3).scatter_(1, tensor(new long[] { 2, 0 }, [2, 1]), tensor(new float[] { 9, 8 }, [2, 1])));
        Close([3, 0], zeros(2).scatter_add_(0, tensor(new long[] { 0, 0 }), tensor(new float[] { 1, 2 })));
        Close([6, 0, 2], zeros(3).index_add_(0, indices, tensor(new float[] { 1, 3 }), 2));
        Close([2, 3, 5, 6], t.narrow(1, 1, 2));
        Close([1, 3], t.slice(1, 0, 3, 2)[0]);
        Close([0, 0, 3, 4, 5, 6], t.masked_fill(t < 3, 0));
        Close([5, 6], t.masked_select(t > 4));
        Close([1, 2, 0, 0, 0, 0], where(t < 3, t, zeros_like(t)));
        Close([1, 2], where(tensor(new[] { false, true, true, false }))[0]);
    }

    [Fact]
    public void Indexers_MixNumbersRangesNewAxesMasksAndTensors()
    {
        var t = arange(24).reshape(2, 3, 4);
        Close([23], t[1, 2, 3]);
        Close([12, 16, 20], t[1, .., 0]);
        Close([5, 6], t[0, 1, 1..3]);
        Close([3, 7, 11], t[0, .., ^1]);
        Close([0, 12], t[TensorIndex.Ellipsis, 0, 0]);
        Assert.Equal([2L, 1, 3, 4], t[.., TensorIndex.None].shape);
        Close([0, 2], t[0, 0, TensorIndex.Slice(null, null, 2)]);
        Close([16, 4], t[tensor(new long[] { 1, 0 }), tensor(new long[] { 1, 1 })][.., 0]);
        Close([8, 9, 10, 11, 0, 1, 2, 3], t[0, TensorIndex.Tensor(tensor(new long[] { 2, 0 }))]);
        Close([1, 9], t[0, TensorIndex.Tensor(tensor(new long[] { 0, 2 })), 1]);
        Assert.Equal([7L], t[t > 16].shape);
        Assert.Equal([2L, 4], t[TensorIndex.Tensor(tensor(new[] { true, false, false, false, true, false }, [2, 3]))].shape);
        t[0, 0] = tensor(-1L);
        t[1, .., 1..3] = zeros(3, 2, dtype: int64);
        t[t == 23] = tensor(100L);
        Close([-1, -1, -1, -1], t[0, 0]);
        Close([12, 0, 0, 15], t[1, 0]);
        Close([100], t[1, 2, 3]);
        Close([1, 1, 2], zeros(3, dtype: int64).index_put_(1, tensor(new long[] { 0, 1, 2 })) + tensor(new long[] { 0, 0, 1 }));
    }

    [Fact]
    public void LinearAlgebra_DecomposesAndSolves()
    {
        var a = tensor(new double[] { 4, 1, 1, 3 }, [2, 2]);
        Close([4 + 2, 1 + 6], a.matmul(tensor(new double[] { 1, 2 })));
        Close(a.matmul(a), a.mm(a));
        Close(a.matmul(a), einsum("ij,jk->ik", a, a));
        Close(a.matmul(a).expand(2, 2, 2), a.expand(2, 2, 2).bmm(a.expand(2, 2, 2)));
        Close([5], dot(tensor(new double[] { 1, 2 }), tensor(new double[] { 1, 2 })));
        Close([1, 2, 2, 4], outer(tensor(new double[] { 1, 2 }), tensor(new double[] { 1, 2 })));
        Close(eye(2, dtype: float64) * 2 + a.matmul(a) * 3, addmm(eye(2, dtype: float64), a, a, 2, 3));
        Close(eye(2), linalg.inv(a).matmul(a));
        Close([1, 2], linalg.solve(a, tensor(new double[] { 6, 7 })));
        var (u, s, vh) = linalg.svd(a);
        Close(a, u.matmul(s.diag()).matmul(vh));
        var (values, vectors) = linalg.eigh(a);
        Close(a, vectors.matmul(values.diag()).matmul(vectors.t()));
        var (q, r) = linalg.qr(a);
        Close(a, q.matmul(r));
        Close(eye(2), linalg.pinv(a).matmul(a));
        Close([Math.Sqrt(27)], linalg.norm(a));
        Close([5, 0, 0, 5], cdist(tensor(new double[] { 0, 0, 3, 4 }, [2, 2]), tensor(new double[] { 3, 4, 0, 0 }, [2, 2])));
    }

    [Fact]
    public void Conversions_ChangeTypeAndKeepValues()
    {
        Assert.Equal(ScalarType.Float64, Matrix.to(float64).dtype);
        Close([1, 2], tensor(new[] { 1.9f, 2.1f }).@long());
        Assert.Equal(ScalarType.BFloat16, Matrix.bfloat16().dtype);
        var t = Matrix;
        Assert.Equal(t.Handle, t.to(float32).Handle);
        Assert.NotEqual(t.Handle, t.to(float32, copy: true).Handle);
        Assert.Equal(DeviceType.CPU, t.device.type);
        Assert.Equal("cuda:1", new Device("cuda:1").ToString());
        Assert.Equal(1, device("cuda:1").index);
        Assert.Throws<ArgumentException>(() => device("gpu"));
        if (!cuda.is_available()) Assert.ThrowsAny<Exception>(() => t.cuda());
    }

    [Fact]
    public void Errors_CarryLibtorchsMessage_AndLeaveTheProcessAlive()
    {
        for (int i = 0; i < 3; i++)
        {
            Assert.Contains("must match", Assert.Throws<ExternalException>(() => zeros(2) + zeros(3)).Message);
            Assert.Contains("out of range", Assert.Throws<ExternalException>(() => Matrix.sum(5)).Message);
            Assert.ThrowsAny<ExternalException>(() => zeros(-1));
            Assert.ThrowsAny<ExternalException>(() => linalg.inv(zeros(2, 2)));
            Assert.ThrowsAny<ExternalException>(() => einsum("ij,jk", ones(2, 2)));
            Assert.ThrowsAny<ExternalException>(() => zeros([1L << 50]));
        }
        var disposed = zeros(1);
        disposed.Dispose();
        Assert.True(disposed.IsInvalid);
        Assert.Throws<InvalidOperationException>(() => disposed + 1);
    }

    [Fact]
    public void ALongTensorList_Concatenates()
    {
        var parts = Enumerable.Range(0, 3000).Select(i => full(1, i)).ToArray();
        Assert.Equal(3000L * 2999 / 2, cat(parts).to(float64).sum().ToDouble());
    }
}
