using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Data;
using MLNet.Ssl.Training;
using static TorchSharp.torch;

namespace MLNet.Ssl.FineTuning;

/// <summary>One augmented view of an image, and its class: (rows, 3, S, S) and (rows), int64.</summary>
internal sealed class LabeledViews(IImageSource images, IReadOnlyList<int> labels, ViewPipeline pipeline) : IViewSource
{
    public int Count => images.Count;

    public string Fingerprint => images.Fingerprint + "-" + Checksum.Of(stream =>
    {
        using var writer = new BinaryWriter(stream);
        foreach (int label in labels) writer.Write(label);
    });

    public Tensor[] Render(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default) =>
        [.. pipeline.Render(images, rows, epoch, stop), Classes(rows)];

    public Tensor[] Pack(ReadOnlySpan<int> rows, int epoch, CancellationToken stop = default) =>
        [.. pipeline.RenderBytes(images, rows, epoch, stop), Classes(rows)];

    public Tensor[] Unpack(Tensor[] packed) => [.. pipeline.Normalize(packed[..^1]), packed[^1]];

    /// <summary>The classes of the images that were read.</summary>
    private Tensor Classes(ReadOnlySpan<int> rows)
    {
        var classes = new long[rows.Length];
        for (int i = 0; i < classes.Length; i++) classes[i] = labels[images.RowOf(rows[i])];
        return tensor(classes);
    }
}
