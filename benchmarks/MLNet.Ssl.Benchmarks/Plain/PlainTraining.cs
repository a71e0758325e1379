using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Benchmarks.Plain;

/// <summary>A network with its head: one pass of the backbone per run of equally sized crops, one
/// pass of the head over all.</summary>
internal sealed class PlainNetwork : Module<IReadOnlyList<Tensor>, Tensor>
{
    private readonly Module<Tensor, Tensor> backbone;
    private readonly Module<Tensor, Tensor> head;

    public PlainNetwork(Module<Tensor, Tensor> backbone, Module<Tensor, Tensor> head) : base(nameof(PlainNetwork))
    {
        this.backbone = backbone;
        this.head = head;
        RegisterComponents();
    }

    public Module<Tensor, Tensor> Backbone => backbone;

    public override Tensor forward(IReadOnlyList<Tensor> views) =>
        head.call(cat([.. views.GroupBy(view => view.size(-1)).Select(crops => backbone.call(cat([.. crops], 0)))], 0));
}

/// <summary>A training loop in TorchSharp as a .NET user writes it without this library: its modules, its
/// optimisers, loops over parameters.</summary>
/// <remarks>Rates and momenta come from this library's schedules, so that both sides train alike;
/// the numbers cost nothing.</remarks>
internal abstract class PlainTraining : IDisposable
{
    public static PlainTraining Of(PretrainOptions options) => options switch
    {
        DinoOptions dino => new PlainDino(dino),
        SimClrOptions simClr => new PlainSimClr(simClr),
        _ => throw new ArgumentException($"{options.MethodName} has no plain loop"),
    };

    /// <summary>The network starts anew from these weights.</summary>
    public abstract void Load(IReadOnlyDictionary<string, Tensor> weights);

    /// <summary>Trains on a batch and reads the loss.</summary>
    public double Step(IReadOnlyList<Tensor> views, StepClock clock)
    {
        using var scope = NewDisposeScope();
        double loss = Train(views, clock);
        return double.IsFinite(loss) ? loss : throw new InvalidOperationException($"the loss is {loss}");
    }

    public abstract void Dispose();

    protected abstract double Train(IReadOnlyList<Tensor> views, StepClock clock);
}
