namespace Microsoft.ML.Runtime;

/// <summary>Where components get names for their messages and randomness from.</summary>
internal class HostEnvironment : IHostEnvironment
{
    private readonly string _fullName;
    private readonly HostEnvironment _root;
    private readonly Random _rand;
    private readonly Lock _lock = new();

    /// <summary>The root of one context.</summary>
    public HostEnvironment(int? seed)
    {
        _root = this;
        Seed = seed;
        _rand = seed is { } value ? new Random(value) : new Random();
        ComponentCatalog = new ComponentCatalog();
    }

    protected HostEnvironment(HostEnvironment parent, string name, Random rand)
    {
        _root = parent._root;
        _fullName = parent._fullName == null ? name : $"{parent._fullName}; {name}";
        _rand = rand;
        Seed = parent.Seed;
        ComponentCatalog = parent.ComponentCatalog;
    }

    /// <summary>The seed of the context.</summary>
    public int? Seed { get; }

    public event Action<ChannelMessage, string> Message;

    public ComponentCatalog ComponentCatalog { get; }
    public string ContextDescription => _fullName ?? "HostEnvironment";
    public TException Process<TException>(TException ex) where TException : Exception => ex;

    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        if (string.IsNullOrEmpty(name)) throw new ArgumentNullException(nameof(name));
        // The n-th registration always gets the n-th number of this level, whatever its siblings draw.
        lock (_lock) return new Host(this, name, new Random(seed ?? _rand.Next()));
    }

    public IChannel Start(string name) => new Channel(this, name);
    public IPipe<TMessage> StartPipe<TMessage>(string name) => new SilentPipe<TMessage>(ContextDescription);
    public IProgressChannel StartProgressChannel(string name) => new SilentProgress();

    private sealed class Host(HostEnvironment parent, string name, Random rand) : HostEnvironment(parent, name, rand), IHost
    {
        public Random Rand => _rand;
    }

    private sealed class Channel : IChannel
    {
        private readonly HostEnvironment _owner;
        private readonly string _source;
        private bool _disposed;

        public Channel(HostEnvironment owner, string name)
        {
            _owner = owner;
            _source = owner._fullName == null ? name : $"{owner._fullName}; {name}";
            Trace(MessageSensitivity.None, "Channel started");
        }

        public string ContextDescription => _source;
        public TException Process<TException>(TException ex) where TException : Exception => ex;

        public void Send(ChannelMessage msg) => _owner._root.Message?.Invoke(msg, _source);

        public void Trace(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Trace, sensitivity, fmt);
        public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args)
            => Send(ChannelMessageKind.Trace, sensitivity, string.Format(fmt, args));
        public void Error(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Error, sensitivity, fmt);
        public void Error(MessageSensitivity sensitivity, string fmt, params object[] args)
            => Send(ChannelMessageKind.Error, sensitivity, string.Format(fmt, args));
        public void Warning(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Warning, sensitivity, fmt);
        public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args)
            => Send(ChannelMessageKind.Warning, sensitivity, string.Format(fmt, args));
        public void Info(MessageSensitivity sensitivity, string fmt) => Send(ChannelMessageKind.Info, sensitivity, fmt);
        public void Info(MessageSensitivity sensitivity, string fmt, params object[] args)
            => Send(ChannelMessageKind.Info, sensitivity, string.Format(fmt, args));

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            Trace(MessageSensitivity.None, "Channel disposed");
        }

        private void Send(ChannelMessageKind kind, MessageSensitivity sensitivity, string message) => Send(new ChannelMessage(kind, sensitivity, message));
    }

    private sealed class SilentPipe<TMessage>(string context) : IPipe<TMessage>
    {
        public string ContextDescription => context;
        public TException Process<TException>(TException ex) where TException : Exception => ex;
        public void Send(TMessage msg) { }
        public void Dispose() { }
    }

    /// <summary>Nobody listens to progress channels in a context.</summary>
    private sealed class SilentProgress : IProgressChannel
    {
        public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction) { }
        public void Checkpoint(params double?[] values) { }
        public IProgressChannel StartProgressChannel(string name) => this;
        public void Dispose() { }
    }
}
