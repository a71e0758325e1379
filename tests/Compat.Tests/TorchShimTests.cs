using TorchSharp;
using static TorchSharp.torch;

namespace Compat.Tests;

public class TorchShimTests
{
    [Theory]
    [InlineData("/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0", true)]
    [InlineData("/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3", false)]
    [InlineData("/usr/lib/x86_64-linux-gnu/openblas-openmp/libblas.so.3", false)]
    public void ReferenceBlas_IsTold(string library, bool reference) => Assert.Equal(reference, Blas.IsReference(library));

    [Fact]
    public void Threads_AreSetForTheCallingThread()
    {
        int before = get_num_threads();
        set_num_threads(1);
        Assert.Equal(1, get_num_threads());
        set_num_threads(before);
        Assert.Equal(before, get_num_threads());
        Assert.True(get_num_interop_threads() >= 1);
    }

    [Fact]
    public void AnUnknownOperator_IsNamed() =>
        Assert.Contains("has no operator aten::nonsense", Assert.ThrowsAny<Exception>(() => Native.Call("nonsense", zeros(1))).Message);

    [Fact]
    public void TooManyArguments_AreRefused() =>
        Assert.Contains("takes 1 arguments", Assert.ThrowsAny<Exception>(() => Native.Call("exp", zeros(1), 1)).Message);

    [Fact]
    public void Half_Limits() => Assert.Equal(65504, finfo(float16).max);
}
