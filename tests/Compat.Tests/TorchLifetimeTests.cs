using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Compat.Tests;

public class TorchLifetimeTests
{
    [Fact]
    public void AScope_DisposesWhatItsThreadMade_ExceptWhatMovedOut()
    {
        Tensor kept, detached, inner;
        using (var outer = NewDisposeScope())
        {
            using (var scope = NewDisposeScope())
            {
                Assert.Same(scope, CurrentDisposeScope);
                inner = ones(2) + 1;
                kept = inner.alias().MoveToOuterDisposeScope();
                detached = inner.alias().DetachFromDisposeScope();
                Assert.Equal(2, scope.DisposablesCount);
            }
            Assert.True(inner.IsInvalid);
            Assert.False(kept.IsInvalid);
            Assert.True(outer.Contains(kept));
        }
        Assert.True(kept.IsInvalid);
        Assert.False(detached.IsInvalid);
        Assert.Null(CurrentDisposeScope);
        detached.Dispose();
    }

    [Fact]
    public void Statistics_CountEverythingOfThisThread()
    {
        RunOnOwnThread(() =>
        {
            var statistics = DisposeScopeManager.Statistics;
            statistics.Reset();
            var outside = zeros(1);
            Assert.Equal(1, statistics.CreatedOutsideScopeCount);
            using (NewDisposeScope())
            {
                var sum = outside + outside;
                var early = sum + 1;
                early.Dispose();
                (sum * 2).DetachFromDisposeScope();
                Assert.Equal(3, statistics.CreatedInScopeCount);
                Assert.Equal(1, statistics.DisposedInScopeCount);
                Assert.Equal(1, statistics.DetachedFromScopeCount);
            }
            Assert.Equal(2, statistics.DisposedInScopeCount);
            Assert.Equal(2, statistics.ThreadTotalLiveCount);
            outside.Dispose();
            outside.Dispose();
            Assert.Equal(1, statistics.ThreadTotalLiveCount);
        });
    }

    [Fact]
    public void TrainingSteps_LeaveNoTensorBehind()
    {
        RunOnOwnThread(() =>
        {
            using var model = nn.Sequential(nn.Linear(4, 8), new Lambda(x => x.gelu()), nn.LayerNorm(8), nn.Linear(8, 3));
            using var optimizer = optim.AdamW(model.parameters(), 0.01, weight_decay: 0.1);
            var input = randn(16, 4);
            var labels = randint(3, [16]);
            Step();
            long live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            for (int i = 0; i < 5; i++) Step();
            Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

            void Step()
            {
                using var scope = NewDisposeScope();
                nn.functional.cross_entropy(model.call(input), labels).backward();
                nn.utils.clip_grad_norm_(model.parameters(), 1);
                optimizer.step();
                optimizer.zero_grad();
            }
        });
    }

    [Fact]
    public void Parameter_TakesItsTensor()
    {
        var source = ones(2);
        var parameter = nn.Parameter(source);
        Assert.True(source.IsInvalid);
        Assert.True(parameter.requires_grad);
        Assert.False(new Parameter(ones(1), requires_grad: false).requires_grad);
    }

    [Fact]
    public void AScopeInsideIndexersAndSequential_LeavesTheCallersTensorsWhereTheyAre()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, 2);
        using (NewDisposeScope())
        {
            _ = x[.., 0];
            _ = x[TensorIndex.Ellipsis];
            _ = nn.Sequential(new Lambda(t => t.alias()), new Lambda(t => nn.functional.dropout(t, 0.5, false))).call(x);
            _ = nn.Sequential(new Same()).call(x);
            _ = WrappedTensorDisposeScope(() => x);
        }
        Assert.False(x.IsInvalid);
        Assert.True(scope.Contains(x));
    }

    private sealed class Same() : nn.Module<Tensor, Tensor>(nameof(Same))
    {
        public override Tensor forward(Tensor input) => input;
    }

    [Fact]
    public void Finalizers_ReleaseForgottenTensors()
    {
        long before = Tensor.TotalCount;
        Forget();
        for (int i = 0; i < 10 && Tensor.TotalCount > before + 500; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.InRange(Tensor.TotalCount, 0, before + 500);

        static void Forget()
        {
            for (int i = 0; i < 5000; i++) _ = zeros(1);
        }
    }

    private static void RunOnOwnThread(Action body)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try { body(); }
            catch (Exception e) { failure = e; }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) throw new Xunit.Sdk.XunitException(failure.ToString());
    }
}
