using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>Managed memory for floats that begins on a 64-byte boundary, as libtorch's own does.</summary>
/// <remarks>Matrix products give other last bits when the same numbers stand at another alignment.</remarks>
internal sealed class AlignedFloats
{
    private const int Boundary = 64;

    private readonly float[] _values;
    private readonly int _start;

    /// <param name="length">Number of floats; they are zero.</param>
    public AlignedFloats(int length)
    {
        _values = GC.AllocateArray<float>(length + Boundary / sizeof(float), pinned: true);
        nint past = (nint)Marshal.UnsafeAddrOfPinnedArrayElement(_values, 0) % Boundary;
        _start = past == 0 ? 0 : (int)(Boundary - past) / sizeof(float);
        Length = length;
    }

    public int Length { get; }

    public Span<float> Span => _values.AsSpan(_start, Length);

    /// <summary>The first floats as a tensor (rows, width) in place.</summary>
    public Tensor AsTensor(int rows, int width) =>
        frombuffer(_values, ScalarType.Float32, (long)rows * width, _start).view(rows, width);
}
