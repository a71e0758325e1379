using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>DINO: a student matches, from every crop, what a slowly moving teacher sees in the two global crops (arXiv 2104.14294).</summary>
public sealed class Dino : Method
{
    internal const string LastLayer = "last_layer";

    private readonly DinoOptions _options;
    private readonly EncoderWithHead _student;
    private readonly EncoderWithHead _teacher;
    private readonly FlatParameters _teacherParameters;
    private readonly DinoLoss _loss;
    private readonly Tensor?[] _teacherMeans;

    internal Dino(DinoOptions options, Generator generator, Device device, int shards)
    {
        _options = options;
        var backbone = options.Backbone!;
        var still = backbone is VisionTransformerOptions vit ? vit with { DropPathRate = 0 } : backbone;
        var moving = backbone is VisionTransformerOptions v ? v with { DropPathRate = options.DropPathRate } : backbone;
        var head = new DinoHeadOptions(backbone.EmbeddingDimension)
        {
            OutputDimension = options.OutputDimension!.Value,
            HiddenDimension = options.HeadHiddenDimension,
            BottleneckDimension = options.HeadBottleneckDimension,
            BatchNorm = options.BatchNormInHead,
            NormLastLayer = options.NormLastLayer,
        };
        _student = new EncoderWithHead(moving.Create(generator), new DinoHead(head, generator)).to(device);
        _teacher = new EncoderWithHead(still.Create(generator), new DinoHead(head, generator)).to(device);
        _teacher.load_state_dict(_student.state_dict());
        foreach (var parameter in _teacher.parameters()) parameter.requires_grad = false;
        Parameters = new(_student, (name, p) => name.Contains(LastLayer, StringComparison.Ordinal) ? LastLayer : FlatParameters.ByRank(name, p));
        _teacherParameters = new(_teacher, Parameters);
        _loss = new(options.OutputDimension!.Value, options.StudentTemperature, options.CenterMomentum, device);
        _teacherMeans = new Tensor?[shards];
        Views =
        [
            ViewRecipes.DinoGlobal1(options.ImageSize!.Value) with { Scale = options.GlobalScale },
            ViewRecipes.DinoGlobal2(options.ImageSize!.Value) with { Scale = options.GlobalScale },
            .. Enumerable.Repeat(ViewRecipes.DinoLocal(options.LocalSize!.Value) with { Scale = options.LocalScale }, options.LocalCrops),
        ];
        SamplesAreIndependent = !_student.buffers().Any();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ViewRecipe> Views { get; }

    /// <inheritdoc/>
    public override FlatParameters Parameters { get; }

    /// <summary>The teacher's backbone.</summary>
    public override Backbone Encoder => _teacher.Backbone;

    /// <summary>True unless batch normalisation lets samples meet.</summary>
    public override bool SamplesAreIndependent { get; }

    internal EncoderWithHead Student => _student;

    internal EncoderWithHead Teacher => _teacher;

    internal DinoLoss Loss => _loss;

    /// <inheritdoc/>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        Tensor teacher;
        using (no_grad())
        {
            teacher = _teacher.Head.call(BySize(_teacher.Backbone, [views[0], views[1]]));
            _teacherMeans[shard] = teacher.mean([0], keepdim: true).DetachFromDisposeScope();
        }
        var features = BySize(_student.Backbone, views);
        double temperature = Schedules.TeacherTemperature(clock.Epoch, _options.WarmupTeacherTemperatureEpochs,
            _options.WarmupTeacherTemperature, _options.TeacherTemperature);
        var (loss, targets) = _loss.Forward(_student.Head.call(features), teacher, temperature);
        using var noGrad = no_grad();
        var entropy = targets.mul(targets.clamp_min(1e-30).log()).sum().div(-targets.size(0) * Math.Log(targets.size(1)));
        return new(loss, features.narrow(0, 0, views[0].size(0)).detach(), entropy);
    }

    /// <summary>Moves the centre, and the teacher towards the student.</summary>
    public override void AfterStep(StepClock clock)
    {
        using (NewDisposeScope())
        {
            var means = _teacherMeans.OfType<Tensor>().ToList();
            _loss.UpdateCenter(means.Count == 1 ? means[0] : stack(means).mean([0]));
            foreach (var mean in means) mean.Dispose();
            Array.Clear(_teacherMeans);
        }
        _teacherParameters.MoveTowards(Parameters, Schedules.WarmupCosine(clock.Step, clock.TotalSteps, 0, _options.TeacherMomentum!.Value, 1));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (IDisposable part in new IDisposable[] { Parameters, _teacherParameters, _student, _teacher, _loss }) part.Dispose();
    }
}
