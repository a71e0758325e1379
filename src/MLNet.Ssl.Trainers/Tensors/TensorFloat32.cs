using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>The process's switch for TF32 in matrix products and convolutions of single precision on a GPU.</summary>
internal static class TensorFloat32
{
    private static readonly Lock Gate = new();

    /// <summary>Switches it on or off until the result is disposed.</summary>
    public static IDisposable Use(bool allowed)
    {
        // Read under the lock: within another thread's work it may stand elsewhere for the moment.
        lock (Gate)
        {
            var before = new Scope(backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32);
            Set(allowed, allowed);
            return before;
        }
    }

    /// <summary>Does work with it on or off, which other such work, and whoever switches it, waits for: several threads
    /// that compute in different precision do not switch it under each other.</summary>
    public static T During<T>(bool allowed, Func<T> work)
    {
        lock (Gate)
        {
            using var before = new Scope(backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32);
            Set(allowed, allowed);
            return work();
        }
    }

    private static void Set(bool products, bool convolutions) =>
        (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = (products, convolutions);

    private sealed class Scope(bool products, bool convolutions) : IDisposable
    {
        public void Dispose()
        {
            lock (Gate) Set(products, convolutions);
        }
    }
}
