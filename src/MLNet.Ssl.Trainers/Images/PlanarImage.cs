namespace MLNet.Ssl.Images;

/// <summary>
/// An 8-bit RGB image as three planes, each padded to whole vectors; its memory grows and is kept for the next image.
/// </summary>
internal sealed class PlanarImage
{
    /// <summary>Vector loops may read and write this far behind the last pixel of a plane.</summary>
    public const int Padding = 32;

    private byte[] _pixels = [];

    public int Width { get; private set; }

    public int Height { get; private set; }

    private int PlaneLength { get; set; }

    /// <summary>The three planes with their padding, for operations that treat all channels alike.</summary>
    public Span<byte> Planes => _pixels.AsSpan(0, 3 * PlaneLength);

    /// <summary>A plane with its padding.</summary>
    public Span<byte> Plane(int channel) => _pixels.AsSpan(channel * PlaneLength, PlaneLength);

    /// <summary>Takes a new size; pixels are undefined.</summary>
    public void SetSize(int width, int height)
    {
        (Width, Height) = (width, height);
        PlaneLength = checked((width * height + Padding - 1) / Padding * Padding + Padding);
        if (_pixels.Length < 3 * PlaneLength) _pixels = new byte[checked(3 * PlaneLength)];
    }

    /// <summary>The planes one after the other, without their padding.</summary>
    public void CopyPlanesTo(Span<byte> planes)
    {
        int pixels = Width * Height;
        for (int channel = 0; channel < 3; channel++) Plane(channel)[..pixels].CopyTo(planes[(channel * pixels)..]);
    }

    public void CopyTo(Span<byte> rgb)
    {
        for (int channel = 0; channel < 3; channel++)
        {
            var plane = Plane(channel);
            for (int i = 0, at = channel; at < rgb.Length; i++, at += 3) rgb[at] = plane[i];
        }
    }
}
