using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>The pretrainer's inner loop, step by step.</summary>
internal sealed class InnerLoop : IDisposable
{
    private readonly Generator _generator = new(1, CPU);
    private readonly TrainingStep _step;

    public InnerLoop(PretrainOptions options, int stepsPerEpoch, int threads, Device device)
    {
        Options = options;
        Method = options.CreateMethod(_generator, device, threads);
        _step = new(Method, options.CreatePlan(),
            TrainingStep.ShardsFor(Method, Batch / World.Size, threads, device.type), threads, 2);
        Clock = new(0, stepsPerEpoch, options.Epochs);
    }

    public PretrainOptions Options { get; }

    public Method Method { get; }

    public int Batch => Options.BatchSize!.Value;

    public StepClock Clock { get; private set; }

    /// <summary>Trains on a batch; reads the loss, as the official code does at every step.</summary>
    public double Step(IReadOnlyList<Tensor> views)
    {
        using var scope = NewDisposeScope();
        double loss = _step.Run(views, Clock).Loss.ToSingle();
        Clock = Clock.Next;
        return loss;
    }

    public void Dispose()
    {
        _step.Dispose();
        Method.Dispose();
        _generator.Dispose();
    }
}
