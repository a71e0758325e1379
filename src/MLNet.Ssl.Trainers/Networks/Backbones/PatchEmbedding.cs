using MLNet.Ssl.Onnx;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MLNet.Ssl.Networks;

/// <summary>Linear projection of non-overlapping patches, a convolution: (B,3,H,W) → (B,⌊H/p⌋·⌊W/p⌋,D).
/// Weights are PyTorch's default.</summary>
internal sealed class PatchEmbedding : Module<Tensor, Tensor>, IOnnxLayer
{
    private Conv2d proj;

    public PatchEmbedding(long patch, long width, torch.Generator generator) : base(nameof(PatchEmbedding))
    {
        proj = new Conv2d(3, width, patch, patch, generator, uniform: true, hasBias: true, padding: 0);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => proj.call(x).flatten(2).transpose(1, 2);

    public string Export(OnnxGraph graph, string x) =>
        graph.Transpose(graph.Reshape(proj.Export(graph, x), 0, 0, -1), 0, 2, 1);
}
