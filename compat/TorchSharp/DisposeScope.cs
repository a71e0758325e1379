namespace TorchSharp;

/// <summary>Collects what is created on its thread while it is the innermost scope, and disposes it.</summary>
public sealed class DisposeScope : IDisposable
{
    private readonly HashSet<IDisposable> _disposables = new(System.Collections.Generic.ReferenceEqualityComparer.Instance);

    internal DisposeScope(DisposeScopeManager manager) => Manager = manager;

    internal DisposeScopeManager Manager { get; }

    internal DisposeScope Outer { get; set; }

    public int DisposablesCount => _disposables.Count;

    public IReadOnlyList<IDisposable> DisposablesView => [.. _disposables];

    public bool Contains(IDisposable disposable) => _disposables.Contains(disposable);

    internal void Add(IDisposable disposable) => _disposables.Add(disposable);

    public void Attach(IDisposable disposable) => Attach([disposable]);

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        var attached = disposables.ToList();
        foreach (var disposable in attached)
        {
            ScopeOf(disposable)?._disposables.Remove(disposable);
            Take(disposable);
        }
        return attached;
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[disposable]);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(
        T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        foreach (var disposable in disposables)
        {
            if (!_disposables.Remove(disposable)) continue;
            SetScope(disposable, null);
            Manager.OwnStatistics.Detached();
        }
    }

    public T MoveToOuter<T>(T disposable) where T : IDisposable
    {
        MoveToOuter((IEnumerable<IDisposable>)[disposable]);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        MoveToOuter((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(
        T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        MoveToOuter((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOuter((IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(Outer, disposables);

    public T MoveToOther<T>(DisposeScope scope, T disposable) where T : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[disposable]);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope scope, T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope scope, T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void MoveToOther(DisposeScope scope, params IDisposable[] disposables) => MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope scope, IEnumerable<IDisposable> disposables)
    {
        if (scope is null)
        {
            Detach(disposables);
            return;
        }
        foreach (var disposable in disposables)
            if (_disposables.Remove(disposable)) scope.Take(disposable);
    }

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        var keep = inKeep.ToHashSet<IDisposable>(System.Collections.Generic.ReferenceEqualityComparer.Instance);
        foreach (var disposable in _disposables.Where(d => !keep.Contains(d)).ToList())
        {
            _disposables.Remove(disposable);
            Manager.OwnStatistics.DisposedInScope();
            // Still marked as owned, so that its own Dispose does not count it again.
            disposable.Dispose();
        }
    }

    public void DisposeEverything() => DisposeEverythingBut((IEnumerable<IDisposable>)[]);

    public void Dispose()
    {
        DisposeEverything();
        Manager.Remove(this);
    }

    /// <summary>Something of this scope was disposed by hand.</summary>
    public void MarkAsDisposed(IDisposable disposable)
    {
        if (_disposables.Remove(disposable)) Manager.OwnStatistics.DisposedInScope();
    }

    private void Take(IDisposable disposable)
    {
        _disposables.Add(disposable);
        SetScope(disposable, this);
    }

    private static DisposeScope ScopeOf(IDisposable disposable) => (disposable as torch.Tensor)?.OwningDisposeScope;

    private static void SetScope(IDisposable disposable, DisposeScope scope)
    {
        if (disposable is torch.Tensor tensor) tensor.OwningDisposeScope = scope;
    }
}

/// <summary>The scopes of one thread.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager _current;

    private DisposeScope _innermost;

    internal static DisposeScopeManager OfThread => _current ??= new DisposeScopeManager();

    internal ThreadDisposeScopeStatistics OwnStatistics { get; } = new();

    internal static ThreadDisposeScopeStatistics ThreadStatistics => OfThread.OwnStatistics;

    public static ThreadDisposeScopeStatistics Statistics => OfThread.OwnStatistics;

    internal static DisposeScope CurrentScope => OfThread._innermost;

    internal static DisposeScope Register(IDisposable disposable)
    {
        var manager = OfThread;
        var scope = manager._innermost;
        scope?.Add(disposable);
        manager.OwnStatistics.Created(scope is not null);
        return scope;
    }

    internal static DisposeScope Open()
    {
        var manager = OfThread;
        return manager._innermost = new DisposeScope(manager) { Outer = manager._innermost };
    }

    internal void Remove(DisposeScope scope)
    {
        if (_innermost == scope)
        {
            _innermost = scope.Outer;
            return;
        }
        for (var inner = _innermost; inner is not null; inner = inner.Outer)
            if (inner.Outer == scope) inner.Outer = scope.Outer;
    }
}

/// <summary>What happened to the tensors of one thread.</summary>
public class ThreadDisposeScopeStatistics
{
    private long _disposedOutside;

    public long CreatedInScopeCount { get; private set; }
    public long CreatedOutsideScopeCount { get; private set; }
    public long DisposedInScopeCount { get; private set; }
    public long DetachedFromScopeCount { get; private set; }

    public long ThreadTotalLiveCount => CreatedInScopeCount + CreatedOutsideScopeCount - DisposedInScopeCount - _disposedOutside;

    public void Reset() => CreatedInScopeCount = CreatedOutsideScopeCount = DisposedInScopeCount = DetachedFromScopeCount = _disposedOutside = 0;

    internal void Created(bool inScope)
    {
        if (inScope) CreatedInScopeCount++;
        else CreatedOutsideScopeCount++;
    }

    internal void DisposedInScope() => DisposedInScopeCount++;
    internal void DisposedOutsideScope() => _disposedOutside++;
    internal void Detached() => DetachedFromScopeCount++;
}

public static partial class torch
{
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.Open();

    public static DisposeScope CurrentDisposeScope => DisposeScopeManager.CurrentScope;

    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(expr());
    }
}
