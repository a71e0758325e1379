using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using MLNet.Ssl.Images;

namespace MLNet.Ssl.Augmentation;

/// <summary>
/// Pillow's Gaussian blur, bit for bit: three extended box blurs along the rows, then three along the columns (Gwosdek
/// et al., "Theoretical foundations of Gaussian convolution by extended box filtering", 2011), borders replicated, each
/// pass rounded to 8 bits. One instance serves one thread.
/// </summary>
internal sealed class GaussianBlur
{
    private const int Passes = 3;

    // 2·100 + 1 bytes still sum in 16 bits.
    public const double MaxSigma = 100;

    private byte[] _current = [];
    private byte[] _next = [];

    public void Apply(PlanarImage image, double sigma)
    {
        float radius = BoxRadius((float)sigma);
        int whole = (int)radius, border = whole + 1;
        uint inner = (uint)((1 << 24) / (radius * 2 + 1)), outer = ((1u << 24) - (uint)(2 * whole + 1) * inner) / 2;

        int width = image.Width, height = image.Height, stride = width + 2 * border,
            length = (height + 2 * border) * stride + PlanarImage.Padding;
        if (_current.Length < length) (_current, _next) = (new byte[length], new byte[length]);
        int first = border * stride + border, count = height * stride - 2 * border;

        for (int channel = 0; channel < 3; channel++)
        {
            var plane = image.Plane(channel);
            for (int y = 0; y < height; y++) plane.Slice(y * width, width).CopyTo(_current.AsSpan(first + y * stride));
            for (int pass = 0; pass < Passes; pass++)
            {
                ReplicateColumns(first, width, height, stride, border);
                Box(first, count, 1, whole, inner, outer);
            }
            for (int pass = 0; pass < Passes; pass++)
            {
                ReplicateRows(height, stride, border);
                Box(first, count, stride, whole, inner, outer);
            }
            for (int y = 0; y < height; y++) _current.AsSpan(first + y * stride, width).CopyTo(plane[(y * width)..]);
        }
    }

    private static float BoxRadius(float sigma)
    {
        float variance = sigma * sigma / Passes, length = (float)Math.Sqrt(12.0 * variance + 1.0),
            l = (float)Math.Floor((length - 1.0) / 2.0);
        float fraction = (2 * l + 1) * (l * (l + 1) - 3 * variance);
        fraction /= 6 * (variance - (l + 1) * (l + 1));
        return l + fraction;
    }

    // One pass over all pixels: neighbours are a step apart, 1 along rows and the stride along columns.
    private void Box(int first, int count, int step, int whole, uint inner, uint outer)
    {
        ref byte source = ref MemoryMarshal.GetArrayDataReference(_current);
        ref byte result = ref MemoryMarshal.GetArrayDataReference(_next);
        for (int i = first; i < first + count; i += 16)
        {
            var near = Words(ref source, i);
            for (int k = 1; k <= whole; k++) near += Words(ref source, i - k * step) + Words(ref source, i + k * step);
            var far = Words(ref source, i - (whole + 1) * step) + Words(ref source, i + (whole + 1) * step);

            var (nearLow, nearHigh) = Vector256.Widen(near);
            var (farLow, farHigh) = Vector256.Widen(far);
            var words = Vector256.Narrow(Round(nearLow * inner + farLow * outer),
                Round(nearHigh * inner + farHigh * outer));
            Vector128.Narrow(words.GetLower(), words.GetUpper()).StoreUnsafe(ref result, (nuint)i);
        }
        (_current, _next) = (_next, _current);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Round(Vector256<uint> sum) => (sum + Vector256.Create(1u << 23)) >> 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Words(ref byte source, int at)
    {
        var bytes = Vector128.LoadUnsafe(ref source, (nuint)at);
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int16(bytes).AsUInt16();
        return Vector256.Create(Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes));
    }

    private void ReplicateColumns(int first, int width, int height, int stride, int border)
    {
        var pixels = _current.AsSpan();
        for (int y = 0, left = first; y < height; y++, left += stride)
            for (int k = 1, right = left + width - 1; k <= border; k++)
                (pixels[left - k], pixels[right + k]) = (pixels[left], pixels[right]);
    }

    private void ReplicateRows(int height, int stride, int border)
    {
        var pixels = _current.AsSpan();
        for (int k = 0, bottom = (border + height) * stride; k < border; k++, bottom += stride)
        {
            pixels.Slice(border * stride, stride).CopyTo(pixels[(k * stride)..]);
            pixels.Slice((border + height - 1) * stride, stride).CopyTo(pixels[bottom..]);
        }
    }
}
