using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MLNet.Ssl.Images;

/// <summary>
/// Crop, resize and flip in one go, bit for bit as Pillow resizes the cropped image: a horizontal and a vertical pass
/// with 22-bit fixed-point weights, rounded to 8 bits in between; a pass that keeps its size is skipped. Holds the
/// memory it works in, so one instance serves one thread.
/// </summary>
internal sealed class Resampler
{
    private const int PrecisionBits = 32 - 8 - 2;

    private readonly PlanarImage _narrowed = new();
    private readonly Axis _horizontal = new();
    private readonly Axis _vertical = new();
    private Vector128<int>[] _row = [];

    /// <summary>
    /// Resizes <paramref name="crop"/> of <paramref name="image"/> to width × height, mirrored if
    /// <paramref name="flip"/>.
    /// </summary>
    public void Resize(RgbImage image, CropBox crop, int width, int height, Interpolation interpolation, bool flip,
        PlanarImage result) =>
        Resize(image.Pixels.Span, image.Width, crop, width, height, new CropBox(0, 0, width, height), interpolation,
            flip, result);

    /// <summary>
    /// As above on rows of <paramref name="sourceWidth"/> RGB pixels; computes only <paramref name="window"/> of the
    /// resized image.
    /// </summary>
    public void Resize(ReadOnlySpan<byte> rgb, int sourceWidth, CropBox crop, int width, int height, CropBox window,
        Interpolation interpolation, bool flip,
        PlanarImage result)
    {
        _horizontal.Set(crop.Width, width, window.Left, window.Width, interpolation);
        _vertical.Set(crop.Height, height, window.Top, window.Height, interpolation);
        int firstRow = _vertical.First, rows = _vertical.End - firstRow;
        result.SetSize(window.Width, window.Height);
        var narrowed = _vertical.IsIdentity ? result : _narrowed;
        narrowed.SetSize(window.Width, rows);

        for (int y = 0; y < rows; y++)
        {
            int start = ((crop.Top + firstRow + y) * sourceWidth + crop.Left) * 3;
            var line = rgb.Slice(start, crop.Width * 3);
            if (_horizontal.IsIdentity) CopyRow(line[(window.Left * 3)..], flip, narrowed, y);
            else ResizeRow(line, flip, narrowed, y);
        }
        if (!_vertical.IsIdentity)
            for (int channel = 0; channel < 3; channel++)
                ResizeColumns(narrowed.Plane(channel), result.Plane(channel), window.Width, window.Height, firstRow);
    }

    private static void CopyRow(ReadOnlySpan<byte> line, bool flip, PlanarImage result, int y)
    {
        int width = result.Width, step = flip ? -1 : 1;
        for (int channel = 0; channel < 3; channel++)
        {
            var plane = result.Plane(channel);
            for (int x = 0, at = y * width + (flip ? width - 1 : 0); x < width; x++, at += step)
                plane[at] = line[3 * x + channel];
        }
    }

    private void ResizeRow(ReadOnlySpan<byte> line, bool flip, PlanarImage result, int y)
    {
        int sourceWidth = line.Length / 3, width = result.Width;
        if (_row.Length < sourceWidth) _row = new Vector128<int>[sourceWidth];
        for (int x = _horizontal.First; x < _horizontal.End; x++)
            _row[x] = Vector128.Create(line[3 * x], line[3 * x + 1], line[3 * x + 2], 0);

        Span<byte> red = result.Plane(0), green = result.Plane(1), blue = result.Plane(2);
        int at = y * width + (flip ? width - 1 : 0), step = flip ? -1 : 1;
        for (int x = 0; x < width; x++, at += step)
        {
            var weights = _horizontal.Weights(x);
            ref var tap = ref _row[_horizontal.Start(x)];
            var sum = Vector128.Create(1 << (PrecisionBits - 1));
            for (int k = 0; k < weights.Length; k++) sum += Unsafe.Add(ref tap, k) * weights[k];
            sum = Vector128.Min(Vector128.Max(sum >> PrecisionBits, Vector128<int>.Zero), Vector128.Create(255));
            red[at] = (byte)sum.GetElement(0);
            green[at] = (byte)sum.GetElement(1);
            blue[at] = (byte)sum.GetElement(2);
        }
    }

    // A row's last vector spills into the next row, which is written after it, or into the padding.
    private void ResizeColumns(ReadOnlySpan<byte> source, Span<byte> result, int width, int height, int firstRow)
    {
        for (int y = 0; y < height; y++)
        {
            var weights = _vertical.Weights(y);
            int top = (_vertical.Start(y) - firstRow) * width;
            for (int x = 0; x < width; x += 2 * Lanes.Count)
            {
                Vector256<int> left = Lanes.Of(1 << (PrecisionBits - 1)), right = left;
                for (int k = 0, at = top + x; k < weights.Length; k++, at += width)
                {
                    left += Lanes.Load(source, at) * weights[k];
                    right += Lanes.Load(source, at + Lanes.Count) * weights[k];
                }
                Lanes.Store(left >> PrecisionBits, result, y * width + x);
                Lanes.Store(right >> PrecisionBits, result, y * width + x + Lanes.Count);
            }
        }
    }

    /// <summary>The taps and fixed-point weights of a range of outputs along one axis.</summary>
    private sealed class Axis
    {
        private int[] _starts = [];
        private int[] _counts = [];
        private int[] _weights = [];
        private double[] _real = [];
        private int _stride;

        /// <summary>Whether the pass is skipped because the size does not change.</summary>
        public bool IsIdentity { get; private set; }

        /// <summary>First input that any output of the range reads.</summary>
        public int First { get; private set; }

        /// <summary>One past the last input that any output of the range reads.</summary>
        public int End { get; private set; }

        public int Start(int output) => _starts[output];

        public ReadOnlySpan<int> Weights(int output) => _weights.AsSpan(output * _stride, _counts[output]);

        public void Set(int inSize, int outSize, int offset, int count, Interpolation interpolation)
        {
            IsIdentity = inSize == outSize;
            (First, End) = (offset, offset + count);
            if (IsIdentity) return;

            double scale = (double)inSize / outSize, filterScale = Math.Max(scale, 1);
            double support = filterScale * Support(interpolation), inverse = 1 / filterScale;
            _stride = (int)Math.Ceiling(support) * 2 + 1;
            if (_starts.Length < count) (_starts, _counts) = (new int[count], new int[count]);
            if (_weights.Length < count * _stride) _weights = new int[count * _stride];
            if (_real.Length < _stride) _real = new double[_stride];

            for (int i = 0; i < count; i++)
            {
                double centre = (offset + i + 0.5) * scale, sum = 0;
                int start = Math.Max((int)(centre - support + 0.5), 0),
                    taps = Math.Min((int)(centre + support + 0.5), inSize) - start;
                for (int k = 0; k < taps; k++)
                {
                    double x = Math.Abs((start + k - centre + 0.5) * inverse);
                    sum += _real[k] = Kernel(interpolation, x);
                }
                for (int k = 0; k < taps; k++)
                    _weights[i * _stride + k] = ToFixed(sum != 0 ? _real[k] / sum : 0);
                (_starts[i], _counts[i]) = (start, taps);
            }
            (First, End) = (_starts[0], _starts[count - 1] + _counts[count - 1]);
        }

        private static int ToFixed(double weight) => (int)(weight * (1 << PrecisionBits) + (weight < 0 ? -0.5 : 0.5));

        private static int Support(Interpolation interpolation) =>
            interpolation switch { Interpolation.Lanczos => 3, Interpolation.Bicubic => 2, _ => 1 };

        private static double Kernel(Interpolation interpolation, double x) => interpolation switch
        {
            Interpolation.Lanczos => x < 3 ? Sinc(x) * Sinc(x / 3) : 0,
            Interpolation.Bicubic => Cubic(x),
            _ => Math.Max(1 - x, 0),
        };

        private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);

        private static double Cubic(double x)
        {
            const double a = -0.5;
            if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
        }
    }
}
