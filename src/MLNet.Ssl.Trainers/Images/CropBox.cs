namespace MLNet.Ssl.Images;

/// <summary>A rectangle of pixels.</summary>
internal readonly record struct CropBox(int Left, int Top, int Width, int Height);
