using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>DINO, as the official code's loop reads in TorchSharp.</summary>
internal sealed class PlainDino : PlainTraining
{
    private readonly DinoOptions _options;
    private readonly OptimizationPlan _plan;
    private readonly PlainNetwork _student;
    private readonly PlainNetwork _teacher;
    private readonly TorchSharp.Modules.AdamW _optimizer;
    private readonly Tensor _center;

    public PlainDino(DinoOptions options)
    {
        _options = options;
        _plan = options.CreatePlan();
        _student = Network(options.DropPathRate);
        _teacher = Network(0);
        PlainWeights.Share(_teacher, _student);
        var (decayed, others) = PlainWeights.Groups(_student);
        _optimizer = optim.AdamW(
            [new TorchSharp.Modules.AdamW.ParamGroup(decayed), new TorchSharp.Modules.AdamW.ParamGroup(others)]);
        _center = zeros(1, options.OutputDimension!.Value);
    }

    public override void Load(IReadOnlyDictionary<string, Tensor> weights)
    {
        PlainWeights.Load(_student, weights, "student.");
        PlainWeights.Share(_teacher, _student);
    }

    protected override double Train(IReadOnlyList<Tensor> views, StepClock clock)
    {
        var groups = _optimizer.ParamGroups.Cast<TorchSharp.Modules.AdamW.ParamGroup>().ToList();
        foreach (var group in groups) group.LearningRate = _plan.LearningRate(clock);
        groups[0].Options.weight_decay = _plan.WeightDecay(clock);

        Tensor teacher;
        using (no_grad()) teacher = _teacher.call([.. views.Take(2)]);
        var loss = Loss(_student.call(views), teacher, views.Count);
        double value = loss.item<float>();
        _optimizer.zero_grad();
        loss.backward();
        foreach (var (name, parameter) in _student.named_parameters())
        {
            if (parameter.grad is not { } gradient) continue;
            double scale = _options.ClipGradient / (gradient.norm().item<float>() + 1e-6);
            if (scale < 1) gradient.mul_(scale);
            if (clock.Epoch < _options.FreezeLastLayerEpochs && name.Contains("last_layer")) parameter.grad = null;
        }
        _optimizer.step();
        PlainWeights.MoveTowards(_teacher, _student,
            Schedules.WarmupCosine(clock.Step, clock.TotalSteps, 0, _options.TeacherMomentum!.Value, 1));
        return value;
    }

    private Tensor Loss(Tensor student, Tensor teacher, int crops)
    {
        var targets = functional.softmax((teacher - _center) / _options.TeacherTemperature, -1).chunk(2);
        var predictions = (student / _options.StudentTemperature).chunk(crops)
            .Select(crop => functional.log_softmax(crop, -1)).ToList();
        var terms = from t in Enumerable.Range(0, 2)
                    from p in Enumerable.Range(0, crops)
                    where p != t
                    select (-targets[t] * predictions[p]).sum(-1).mean();
        using (no_grad())
            _center.mul_(_options.CenterMomentum).add_(teacher.mean([0], keepdim: true), 1 - _options.CenterMomentum);
        return stack(terms).mean();
    }

    public override void Dispose()
    {
        foreach (IDisposable part in new IDisposable[] { _optimizer, _student, _teacher, _center }) part.Dispose();
    }

    private PlainNetwork Network(double dropPath)
    {
        var transformer = (VisionTransformerOptions)_options.Backbone!;
        return new(new PlainVisionTransformer(transformer, dropPath),
            new PlainDinoHead(transformer.EmbeddingDimension, _options));
    }
}
