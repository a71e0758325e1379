using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>The process's switch for TF32 in matrix products and convolutions of single precision on a GPU.</summary>
internal static class TensorFloat32
{
    /// <summary>Switches it on or off until the result is disposed.</summary>
    public static IDisposable Use(bool allowed)
    {
        var before = new Scope(backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32);
        (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = (allowed, allowed);
        return before;
    }

    private sealed class Scope(bool products, bool convolutions) : IDisposable
    {
        public void Dispose() =>
            (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = (products, convolutions);
    }
}
