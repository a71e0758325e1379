using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class NegativeQueueTests
{
    [Fact]
    public void TheOldestKeysGoFirstAndHeldOnesComeInTheOrderOfTheirSteps()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var queue = new NegativeQueue(1, 6, generator, CPU);
        Tensor Keys(params float[] values) => tensor(values, values.Length, 1);
        queue.Enqueue(Keys(1, 2));
        queue.Hold(Keys(3, 4));
        queue.Hold(Keys(5, 6));
        Assert.Equal(2, queue.Pointer);
        queue.EnqueueHeld();
        Assert.Equal([1, 2, 3, 4, 5, 6], queue.Columns.data<float>().ToArray());
        queue.EnqueueHeld();
        Assert.Equal(0, queue.Pointer);
        Assert.Equal([7, 8, 3, 4, 5, 6], queue.With(Keys(7, 8)).data<float>().ToArray());
        queue.Enqueue(Keys(7, 8));
        queue.Enqueue(Keys(9, 10));
        Assert.Equal([7, 8, 9, 10, 5, 6], queue.Columns.data<float>().ToArray());
    }
}
