using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl;

/// <summary>Linear projection of non-overlapping patches: (B,3,H,W) → (B,⌊H/p⌋·⌊W/p⌋,D). A convolution in the state dict, one matrix product here.</summary>
internal sealed class PatchEmbedding : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly long _patch;
    private Projection proj;

    public PatchEmbedding(long patch, long width, torch.Generator generator) : base(nameof(PatchEmbedding))
    {
        _patch = patch;
        proj = new Projection(patch, width, generator);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        var shape = x.shape;
        long batch = shape[0], h = shape[2] / _patch, w = shape[3] / _patch;
        if (h * _patch != shape[2]) x = x.narrow(2, 0, h * _patch);
        if (w * _patch != shape[3]) x = x.narrow(3, 0, w * _patch);
        var patches = x.reshape(batch, 3, h, _patch, w, _patch).permute(0, 2, 4, 1, 3, 5).reshape(batch * h * w, 3 * _patch * _patch);
        return proj.call(patches).view(batch, h * w, -1);
    }

    public string Export(OnnxGraph graph, string x) => graph.Transpose(graph.Reshape(proj.Export(graph, x), 0, 0, -1), 0, 2, 1);

    private sealed class Projection : Module<Tensor, Tensor>, IOnnxLayer
    {
        private Parameter weight;
        private Parameter bias;

        public Projection(long patch, long width, torch.Generator generator) : base(nameof(Projection))
        {
            double bound = 1 / Math.Sqrt(3 * patch * patch);
            weight = Weights.Uniform(bound, generator, width, 3, patch, patch);
            bias = Weights.Uniform(bound, generator, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor patches) => functional.linear(patches, weight.flatten(1), bias);

        public string Export(OnnxGraph graph, string x) => graph.Conv(x, weight, bias, stride: weight.size(2), padding: 0);
    }
}
