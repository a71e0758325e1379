namespace MLNet.Ssl.Tests;

/// <summary>A clock by which no time passes until it is let go; from then on whatever is waited for is there at
/// once.</summary>
internal sealed class HeldClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<Timer> _held = [];
    private bool _isLetGo;

    public void LetGo()
    {
        lock (_gate) _isLetGo = true;
        foreach (var timer in _held) timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(() => callback(state));
        lock (_gate)
        {
            if (!_isLetGo)
            {
                _held.Add(timer);
                return timer;
            }
        }
        ThreadPool.QueueUserWorkItem(_ => timer.Fire());
        return timer;
    }

    private sealed class Timer(Action callback) : ITimer
    {
        private int _isOver;

        public void Fire()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0) callback();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => _isOver == 0;

        public void Dispose() => _isOver = 1;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
