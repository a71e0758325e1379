using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MLNet.Ssl.DataView;

/// <summary>
/// What becomes of images that cannot be read, and how many there were. An image left out is an empty one,
/// <c>default</c>.
/// </summary>
internal sealed class UnreadableImages(OnUnreadableImage choice, IHost? host)
{
    private int _count;

    public delegate void Batch(IReadOnlyList<RgbImage> images, Span<float> results);

    public bool Skips => choice == OnUnreadableImage.Skip;

    public int Count => _count;

    public static bool IsMissing(RgbImage image) => image.Width == 0;

    /// <summary>Takes note of an image that cannot be read.</summary>
    /// <returns>An empty image.</returns>
    /// <exception cref="InvalidOperationException">None is to be left out.</exception>
    public RgbImage Failed(string message, Exception? cause = null)
    {
        if (!Skips) throw new InvalidOperationException(message, cause);
        int count = Interlocked.Increment(ref _count);
        Warn($"{message} (left out, {count} so far)");
        return default;
    }

    /// <summary>Says how many were left out, if any were.</summary>
    public void Report(long read)
    {
        if (Count > 0) Warn($"{Count} of {Count + read} images could not be read and were left out.");
    }

    /// <summary>Computes the images that there are; the results of the others are missing values.</summary>
    public static void Compute(IReadOnlyList<RgbImage> images, Span<float> results, Batch compute)
    {
        int[] there = [.. Enumerable.Range(0, images.Count).Where(i => !IsMissing(images[i]))];
        if (there.Length == images.Count)
        {
            compute(images, results);
            return;
        }
        results.Fill(float.NaN);
        if (there.Length == 0) return;
        int width = results.Length / images.Count;
        var computed = new float[there.Length * width];
        compute([.. there.Select(i => images[i])], computed);
        for (int row = 0; row < there.Length; row++)
            computed.AsSpan(row * width, width).CopyTo(results[(there[row] * width)..]);
    }

    /// <summary>The rows less those of images left out, whose results are missing values.</summary>
    public IDataView Rows(IDataView computed, string column) =>
        Skips ? new MLContext().Data.FilterRowsByMissingValues(computed, column) : computed;

    private void Warn(string message)
    {
        using var channel = host?.Start("Images");
        channel?.Warning(MessageSensitivity.UserData, message);
    }
}
