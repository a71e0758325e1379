using MLNet.Ssl.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>A backbone, the first layers of a projection head where some are kept, and a linear classifier that starts
/// at zero: (B,3,H,W) → logits (B,C).</summary>
internal sealed class ClassifierNetwork : Backbone, IOnnxLayer
{
    private const string Prefix = nameof(backbone) + ".";

    private readonly Backbone backbone;
    private readonly ModuleList<Module<Tensor, Tensor>> head;
    private readonly Linear fc;

    /// <remarks>Takes over the backbone and the head, of which it keeps the first layers.</remarks>
    public ClassifierNetwork(Backbone backbone, ProjectionHead? head, int headLayers, int classes,
        torch.Generator generator)
        : base(nameof(ClassifierNetwork), classes)
    {
        this.backbone = backbone;
        this.head = head?.First(headLayers) ?? [];
        (Head, HeadLayers) = (headLayers > 0 ? head!.Options : null, headLayers);
        // All of the head is as narrow as its projection, a part of it as wide as the features.
        fc = new Linear(Head is { } whole && whole.Layers == headLayers ? whole.OutputDimension
            : backbone.EmbeddingDimension, classes, generator, deviation: 0);
        RegisterComponents();
    }

    public Backbone Features => backbone;

    /// <summary>The head of which layers are kept; null where none is.</summary>
    public ProjectionHeadOptions? Head { get; }

    public int HeadLayers { get; }

    /// <summary>Another classifier of this kind, on other features.</summary>
    public ClassifierNetwork With(Backbone features, torch.Generator generator) =>
        new(features, Head is { } head ? new ProjectionHead(head, generator) : null, HeadLayers, EmbeddingDimension,
            generator);

    public override Tensor forward(Tensor x)
    {
        x = backbone.call(x);
        foreach (var layer in head) x = layer.call(x);
        return fc.call(x);
    }

    string IOnnxLayer.Export(OnnxGraph graph, string x) =>
        fc.Export(graph, head.Aggregate(graph.Apply(backbone, x), (value, layer) => graph.Apply(layer, value)));

    /// <summary>Layer of a parameter, from 0 at the input to <see cref="Layers"/> at the classifier.</summary>
    public static int LayerOf(string name, BackboneOptions options) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) ? options.LayerOf(name[Prefix.Length..]) : Layers(options);

    public static int Layers(BackboneOptions options) => options.LayerCount + 1;

    /// <summary>What a classifier has at least: the backbone, the first layers of a projection head, and a
    /// linear layer for the classes.</summary>
    public static ArchitectureSize LeastSize(BackboneOptions backbone, ProjectionHeadOptions? head, int headLayers,
        int classes)
    {
        double width = backbone.EmbeddingDimension;
        double features = headLayers > 0 && headLayers == head!.Layers ? head.OutputDimension : width;
        var kept = headLayers == 0
            ? default
            : (headLayers - 1) * ArchitectureSize.Layer(width, width) + ArchitectureSize.Layer(width, features);
        return backbone.LeastSize + kept + ArchitectureSize.Layer(features, classes);
    }
}
