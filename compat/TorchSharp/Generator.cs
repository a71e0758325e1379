namespace TorchSharp;

public static partial class torch
{
    /// <summary>A random number stream.</summary>
    public unsafe class Generator : IDisposable
    {
        private nint _handle;

        public Generator(ulong seed = 0, Device device = null) : this(seed, device ?? CPU, isGlobal: false) { }

        private Generator(ulong seed, Device device, bool isGlobal)
        {
            this.device = device;
            _handle = Native.ts_generator(device.Packed, seed, isGlobal ? 1 : 0);
            Native.Check(_handle);
        }

        ~Generator() => Dispose(false);

        public static Generator Default => Global(CPU);

        internal static Generator Global(Device device) => new(0, device, isGlobal: true);

        public IntPtr Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(Generator));

        public Device device { get; }

        public Generator manual_seed(long seed)
        {
            Native.Check(Native.ts_generator_seed(Handle, (ulong)seed));
            GC.KeepAlive(this);
            return this;
        }

        public long seed()
        {
            long seed = System.Random.Shared.NextInt64();
            manual_seed(seed);
            return seed;
        }

        public long initial_seed() => (long)Native.ts_generator_current_seed(Handle);

        public Tensor get_state()
        {
            nint state;
            Native.Check(Native.ts_generator_state(Handle, &state));
            GC.KeepAlive(this);
            return Tensor.Wrap(state);
        }

        public void set_state(Tensor value)
        {
            Native.Check(Native.ts_generator_set_state(Handle, value.Handle));
            GC.KeepAlive(value);
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            nint handle = Interlocked.Exchange(ref _handle, 0);
            if (handle != 0) Native.ts_generator_release(handle);
        }
    }

    public static Generator manual_seed(long seed) => random.manual_seed(seed);
    public static Tensor get_rng_state() => random.get_rng_state();
    public static void set_rng_state(Tensor new_state) => random.set_rng_state(new_state);
    public static long seed() => random.seed();
    public static long initial_seed() => random.initial_seed();

    public static class random
    {
        public static Generator manual_seed(long seed)
        {
            Native.Check(Native.ts_manual_seed((ulong)seed));
            return Generator.Default;
        }

        public static long seed()
        {
            long seed = System.Random.Shared.NextInt64();
            manual_seed(seed);
            return seed;
        }

        public static long initial_seed() => Generator.Default.initial_seed();
        public static Tensor get_rng_state() => Generator.Default.get_state();
        public static void set_rng_state(Tensor new_state) => Generator.Default.set_state(new_state);
    }
}
