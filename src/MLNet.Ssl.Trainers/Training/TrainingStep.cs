using MLNet.Ssl.Distributed;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>One optimiser step: views → loss → gradients → update → what the method does after it.</summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly Method _method;
    private readonly OptimizationPlan _plan;
    private readonly ulong _seed;
    private readonly FlatOptimizer _optimizer;
    private readonly ShardThreads _threads;
    private readonly ShardThreads _halves;
    private readonly SideBySide _sides;
    private readonly GradientBuffer[] _gradients;
    private readonly SplitBackward? _split;
    private readonly Generator[] _generators;
    private readonly MethodOutput[] _outputs;
    private readonly Device _device;
    private readonly KeepPlan? _keeps;

    public TrainingStep(Method method, OptimizationPlan plan, int shards, int threads, ulong seed)
    {
        NativeHeap.KeepFreedBlocks();
        _method = method;
        _plan = plan;
        _seed = seed;
        _threads = new(shards, threads);
        // A step that is not split by samples is by work; not where ranks wait for
        // each other, which must be in one order.
        bool splits = shards == 1 && Communicator.Current.Count == 1 && threads > 1
            && method.Parameters.Groups[0].Values.device_type == DeviceType.CPU;
        _halves = splits ? new(2, threads) : _threads;
        _sides = new(splits ? _halves : null);
        method.Sides = _sides;
        _optimizer = plan.CreateOptimizer();
        _optimizer.Threads = _halves;
        _gradients = [.. Enumerable.Range(0, shards)
            .Select(_ => new GradientBuffer(method.Parameters, isOneOfMany: shards > 1))];
        if (splits && method.IsOfLinearLayers && method.Parameters.Precision == Precision.Float32)
            _split = new(method.Parameters.Module, _gradients[0], _halves);
        _generators = [.. Enumerable.Range(0, shards).Select(_ => new Generator(0, CPU))];
        _outputs = new MethodOutput[shards];
        _device = method.Parameters.Groups[0].Values.device;
        if (_device.type != DeviceType.CPU) _keeps = new();
    }

    /// <summary>All that later steps depend on beside the step's number: what the method and the optimiser keep.
    /// Between two steps it is whole.</summary>
    public IEnumerable<(string Name, Tensor Value)> State =>
        [.. _method.State, .. _optimizer.State(_gradients[0].Groups)];

    /// <summary>The gradients of the last step.</summary>
    internal GradientBuffer Gradients => _gradients[0];

    /// <summary>False once a parameter is infinite or not a number.</summary>
    public bool IsFinite
    {
        get
        {
            using var scope = NewDisposeScope();
            return _gradients[0].Groups.All(group => group.Values.isfinite().all().item<bool>());
        }
    }

    /// <summary>Shards that suit a method, a batch and a number of threads: one a thread where samples are independent,
    /// and never fewer than 8 samples each.</summary>
    public static int ShardsFor(Method method, int batch, int threads, DeviceType device)
    {
        if (!method.SamplesAreIndependent || device != DeviceType.CPU) return 1;
        int shards = Math.Clamp(batch / 8, 1, threads);
        while (batch % shards != 0) shards--;
        return shards;
    }

    /// <summary>Runs the step; the caller's dispose scope receives the output.</summary>
    public MethodOutput Run(IReadOnlyList<Tensor> views, StepClock clock)
    {
        using var scope = NewDisposeScope();
        _threads.Run(shard => Backward(views, clock, shard));
        _gradients[0].Average(_gradients);
        foreach (var gradient in _gradients[0].Flat) Communicator.Current.Mean_(gradient);
        if (_plan.ClipGradient > 0) _gradients[0].ClipEach(_plan.ClipGradient);
        Update(clock);
        _method.AfterStep(clock);
        var output = Combine(scope);
        Communicator.Current.Mean_(output.Loss).MoveToOuterDisposeScope();
        output.Embeddings.MoveToOuterDisposeScope();
        output.TeacherEntropy?.MoveToOuterDisposeScope();
        return output;
    }

    public void Dispose()
    {
        _method.Sides = SideBySide.InTurn;
        _split?.Dispose();
        _sides.Dispose();
        if (_halves != _threads) _halves.Dispose();
        _threads.Dispose();
        _optimizer.Dispose();
        _keeps?.Dispose();
        foreach (var gradients in _gradients) gradients.Dispose();
        foreach (var generator in _generators) generator.Dispose();
    }

    private void Backward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        using var scope = NewDisposeScope();
        long rows = views[0].size(0) / _threads.Count;
        int part = Communicator.Current.Rank * _threads.Count + shard;
        _generators[shard].manual_seed(unchecked((long)SplitMix64.Hash(_seed, (ulong)clock.Step, (ulong)part)));
        _keeps?.Begin(SplitMix64.Hash(_seed, (ulong)clock.Step, (ulong)(_threads.Count + part)), _device);
        using var random = ForwardRandom.Use(_generators[shard], _keeps);
        var output = Forward([.. views.Select(v => v.narrow(0, shard * rows, rows))], clock, shard);
        if (_split is not null) _split.Run(output.Loss);
        else _gradients[shard].Backward(output.Loss);
        _outputs[shard] = new(
            output.Loss.detach().DetachFromDisposeScope(),
            output.Embeddings.DetachFromDisposeScope(),
            output.TeacherEntropy?.DetachFromDisposeScope());
    }

    private MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        // What autograd does not keep is freed before the backward pass.
        using var scope = NewDisposeScope();
        var output = _method.Forward([.. views.Select(Input)], clock, shard);
        scope.MoveToOuter(TensorsOf(output));
        return output;
    }

    private void Update(StepClock clock)
    {
        double learningRate = _plan.LearningRate(clock), weightDecay = _plan.WeightDecay(clock);
        var gradients = _gradients[0];
        for (int g = 0; g < gradients.Groups.Count; g++)
        {
            var group = gradients.Groups[g];
            if (_plan.IsFrozen?.Invoke(clock, group.Name) == true) continue;
            double scale = _plan.RateScale?.Invoke(group.Name) ?? 1;
            _optimizer.Step(group, gradients.Flat[g], learningRate * scale, FlatParameters.Decays(group.Name)
                ? weightDecay : 0);
        }
        _method.Parameters.RefreshShadows();
    }

    /// <summary>A view in the type that the networks take; labels stay as they are.</summary>
    private Tensor Input(Tensor view) => _method.Parameters.Precision == Precision.BFloat16
        && !_method.Encoder.TakesSinglePrecision && view.is_floating_point()
        ? view.to(ScalarType.BFloat16)
        : view;

    private static IEnumerable<IDisposable> TensorsOf(MethodOutput output) =>
        new IDisposable?[] { output.Loss, output.Embeddings, output.TeacherEntropy }.OfType<IDisposable>();

    private MethodOutput Combine(DisposeScope scope)
    {
        // Worker threads' tensors belong to no scope; this one takes them over.
        foreach (var output in _outputs) scope.Attach(TensorsOf(output));
        if (_outputs.Length == 1) return _outputs[0];
        using var noGrad = no_grad();
        return new(
            stack(_outputs.Select(o => o.Loss).ToList()).mean(),
            cat(_outputs.Select(o => o.Embeddings).ToList(), 0),
            _outputs[0].TeacherEntropy is null ? null : stack(_outputs.Select(o => o.TeacherEntropy!).ToList()).mean());
    }
}
