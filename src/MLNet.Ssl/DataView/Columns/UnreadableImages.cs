using Microsoft.ML;
using Microsoft.ML.Runtime;
using MLNet.Ssl.Inference;

namespace MLNet.Ssl.DataView;

/// <summary>
/// What becomes of images that cannot be read, and how many there were. An image left out is an empty one,
/// <c>default</c>.
/// </summary>
internal sealed class UnreadableImages(OnUnreadableImage choice, IHost? host)
{
    private int _count;

    public delegate void Computation(LoadedRows images, Span<float> results);

    public bool Skips => choice == OnUnreadableImage.Skip;

    public int Count => _count;

    public static bool IsMissing(RgbImage image) => image.Width == 0;

    /// <summary>Takes note of an image that cannot be read.</summary>
    /// <param name="message">Which one, and why.</param>
    /// <param name="cause">What was thrown.</param>
    /// <param name="fate">What becomes of it.</param>
    /// <returns>An empty image.</returns>
    /// <exception cref="InvalidOperationException">None is to be left out.</exception>
    public RgbImage Failed(string message, Exception? cause = null, string fate = "left out")
    {
        if (!Skips) throw new InvalidOperationException(message, cause);
        int count = Interlocked.Increment(ref _count);
        Warn($"{message} ({fate}, {count} so far)");
        return default;
    }

    /// <summary>Says how many were left out, if any were.</summary>
    public void Report(long read)
    {
        if (Count > 0) Warn($"{Count} of {Count + read} images could not be read and were left out.");
    }

    /// <summary>Makes the images ready that there are; the results of the others are missing values.</summary>
    public static ReadyBatch Ready(
        IReadOnlyList<RowImage> rows, Func<IReadOnlyList<RgbImage>, LoadedRows> load, Computation compute)
    {
        int count = rows.Count;
        int[] there = [.. Enumerable.Range(0, count).Where(i => !IsMissing(rows[i].Pixels))];
        var images = load([.. there.Select(i => rows[i].Pixels)]);
        return new(results =>
        {
            if (there.Length == count)
            {
                compute(images, results);
                return;
            }
            results.Fill(float.NaN);
            if (there.Length == 0) return;
            int width = results.Length / count;
            var computed = new float[there.Length * width];
            compute(images, computed);
            for (int row = 0; row < there.Length; row++)
                computed.AsSpan(row * width, width).CopyTo(results[(there[row] * width)..]);
        }, images);
    }

    /// <summary>The rows less those of images left out, whose results are missing values.</summary>
    public IDataView Rows(IDataView computed, string column) =>
        Skips ? new MLContext().Data.FilterRowsByMissingValues(computed, column) : computed;

    /// <summary>Writes a line into the log.</summary>
    public void Tell(string message)
    {
        using var channel = host?.Start("Images");
        channel?.Info(MessageSensitivity.UserData, message);
    }

    /// <summary>Writes a warning into the log.</summary>
    public void Warn(string message)
    {
        using var channel = host?.Start("Images");
        channel?.Warning(MessageSensitivity.UserData, message);
    }
}
