using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Data;
using MLNet.Ssl.Training;
using static TorchSharp.torch;

namespace MLNet.Ssl.FineTuning;

/// <summary>One augmented view of an image, and its class: (rows, 3, S, S) and (rows), int64.</summary>
internal sealed class LabeledViews(ImageStore images, IReadOnlyList<int> labels, ViewPipeline pipeline) : IViewSource
{
    public int Count => images.Count;

    public string Fingerprint => Checksum.Of(images) + "-" + Checksum.Of(stream =>
    {
        using var writer = new BinaryWriter(stream);
        foreach (int label in labels) writer.Write(label);
    });

    public Tensor[] Render(ReadOnlySpan<int> rows, int epoch) => [.. pipeline.Render(images, rows, epoch), Classes(rows)];

    public Tensor[] Pack(ReadOnlySpan<int> rows, int epoch) => [.. pipeline.RenderBytes(images, rows, epoch), Classes(rows)];

    public Tensor[] Unpack(Tensor[] packed) => [.. pipeline.Normalize(packed[..^1]), packed[^1]];

    private Tensor Classes(ReadOnlySpan<int> rows)
    {
        var classes = new long[rows.Length];
        for (int i = 0; i < classes.Length; i++) classes[i] = labels[rows[i]];
        return tensor(classes);
    }
}
