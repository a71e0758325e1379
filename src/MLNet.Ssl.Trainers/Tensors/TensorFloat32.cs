using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>The process's switch for TF32 in matrix products and convolutions of single precision on a GPU.</summary>
internal static class TensorFloat32
{
    private static readonly Lock Gate = new();
    private static int s_allowing, s_refusing;
    private static (bool Products, bool Convolutions) s_before;

    private static (bool Products, bool Convolutions) Switch
    {
        get => (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32);
        set => (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = value;
    }

    /// <summary>
    /// Allows it or not until the result is disposed. Of several at a time, which may end in any order, all have to
    /// allow it; behind the last one it stands as before the first.
    /// </summary>
    public static IDisposable Use(bool allowed)
    {
        // Read under the lock: within another thread's work it may stand elsewhere for the moment.
        lock (Gate)
        {
            if (s_allowing + s_refusing == 0) s_before = Switch;
            Count(allowed, 1);
        }
        return new Scope(allowed);
    }

    /// <summary>Does work with it on, unless somebody refuses it at the time, or off. Other such work, and whoever
    /// switches it, waits: several threads that compute in different precision do not switch it under each
    /// other.</summary>
    public static T During<T>(bool allowed, Func<T> work)
    {
        lock (Gate)
        {
            var before = Switch;
            // A run that refuses it computes meanwhile, on a thread that does not ask.
            bool all = allowed && s_refusing == 0;
            Switch = (all, all);
            try
            {
                return work();
            }
            finally
            {
                Switch = before;
            }
        }
    }

    private static void Count(bool allowed, int more)
    {
        if (allowed) s_allowing += more;
        else s_refusing += more;
        bool all = s_refusing == 0;
        Switch = s_allowing + s_refusing == 0 ? s_before : (all, all);
    }

    private sealed class Scope(bool allowed) : IDisposable
    {
        private bool _ended;

        public void Dispose()
        {
            lock (Gate)
            {
                if (!_ended) Count(allowed, -1);
                _ended = true;
            }
        }
    }
}
