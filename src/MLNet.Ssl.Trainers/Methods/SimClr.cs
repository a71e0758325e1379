using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>SimCLR: two views of a sample attract each other, all other samples of the batch repel (arXiv 2002.05709).</summary>
public sealed class SimClr : Method
{
    private readonly SimClrOptions _options;
    private readonly EncoderWithHead _network;

    internal SimClr(SimClrOptions options, Generator generator, Device device)
    {
        _options = options;
        var backbone = options.Backbone!;
        var head = new ProjectionHeadOptions(backbone.EmbeddingDimension) { OutputDimension = options.ProjectionDimension, Layers = options.HeadLayers };
        _network = new EncoderWithHead(backbone.Create(generator), new ProjectionHead(head, generator)).to(device);
        Parameters = new(_network);
        var view = ViewRecipes.SimClr(options.ImageSize!.Value, options.ColorStrength!.Value) with { Scale = (options.MinCropScale, 1) };
        if (!options.Blur!.Value) view = view with { BlurProbability = 0 };
        Views = [view, view];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ViewRecipe> Views { get; }

    /// <inheritdoc/>
    public override FlatParameters Parameters { get; }

    /// <summary>The trained backbone.</summary>
    public override Backbone Encoder => _network.Backbone;

    /// <inheritdoc/>
    public override MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard)
    {
        var features = BySize(_network.Backbone, views);
        var loss = NtXent.Loss(_network.Head.call(features), _options.Temperature!.Value, _options.Reduction);
        return new(loss, features.narrow(0, 0, views[0].size(0)).detach());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        Parameters.Dispose();
        _network.Dispose();
    }
}
