using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Networks;

/// <summary>
/// The rotary positions of DINOv3 (Siméoni et al., arXiv 2508.10104; Su et al., arXiv 2104.09864) for a grid
/// of patches: queries and keys of a patch are turned by angles that its row and column give. The tokens
/// before the patches stay as they are.
/// </summary>
internal sealed class RotaryPositions
{
    private const double Base = 100;

    private readonly float[] _cosines, _sines;
    private readonly long _patches, _width;
    private readonly DeviceTensors _turns;

    /// <remarks>
    /// With w the width of a head and i below w/4, the angle of a coordinate c in [−1, 1] is 2πc / 100^(4i/w): first
    /// those of the row, then those of the column, all of it twice.
    /// </remarks>
    public RotaryPositions(long rows, long columns, long width)
    {
        (_patches, _width) = (rows * columns, width);
        long quarter = width / 4;
        (_cosines, _sines) = (new float[_patches * width], new float[_patches * width]);
        for (long patch = 0; patch < _patches; patch++)
            for (long i = 0; i < width; i++)
            {
                long within = i % (2 * quarter), at = within % quarter;
                double coordinate = within < quarter ? (patch / columns + 0.5) / rows
                    : (patch % columns + 0.5) / columns;
                double angle = 2 * Math.PI * (2 * coordinate - 1) / Math.Pow(Base, 4.0 * at / width);
                (_cosines[patch * width + i], _sines[patch * width + i]) =
                    ((float)Math.Cos(angle), (float)Math.Sin(angle));
            }
        _turns = new(device =>
        [
            NativeTensor.On(device, _cosines).view(_patches, width),
            NativeTensor.On(device, _sines).view(_patches, width),
        ]);
    }

    /// <summary>(B,heads,t+P,w) → the same, the last P tokens turned.</summary>
    public Tensor Turn(Tensor x)
    {
        var turns = _turns.On(x.device);
        long prefix = x.size(2) - _patches;
        var patches = x.narrow(2, prefix, _patches);
        var half = patches.chunk(2, -1);
        var turned = patches.mul(turns[0]).Add(cat([half[1].neg(), half[0]], -1).mul(turns[1])).to(x.dtype);
        return prefix == 0 ? turned : cat([x.narrow(2, 0, prefix), turned], 2);
    }

    /// <summary>What <see cref="Turn"/> does, as nodes of a graph, with that many tokens before the patches.</summary>
    public string Export(OnnxGraph graph, string x, long prefix)
    {
        string patches = graph.Slice(x, prefix, _patches, 2);
        string first = graph.Slice(patches, 0, _width / 2, 3), second = graph.Slice(patches, _width / 2, _width / 2, 3);
        string turned = graph.Add(
            graph.Mul(patches, graph.Constant(_cosines, _patches, _width)),
            graph.Mul(graph.Concat(3, graph.Neg(second), first), graph.Constant(_sines, _patches, _width)));
        return graph.Concat(2, graph.Slice(x, 0, prefix, 2), turned);
    }
}
