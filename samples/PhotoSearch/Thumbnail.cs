using MLNet.Ssl;

namespace PhotoSearch;

/// <summary>Small pictures as text, to be part of a page.</summary>
public static class Thumbnail
{
    /// <summary>
    /// The image as a data URI, with a shorter side of at most <paramref name="shorterSide"/> pixels.
    /// </summary>
    public static string DataUri(RgbImage image, int shorterSide)
    {
        var store = new ImageStore(shorterSide);
        store.Add(image.Pixels.Span, image.Width, image.Height);
        // ML.NET writes images to files only.
        string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".jpg");
        try
        {
            store[0].Save(file);
            return "data:image/jpeg;base64," + Convert.ToBase64String(File.ReadAllBytes(file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
