using MLNet.Ssl.ImageFiles;
using MLNet.Ssl.Images;
using MLNet.Ssl.Inference;

namespace MLNet.Ssl.Search;

/// <summary>Image files on their way into an encoder, less those that cannot be read.</summary>
/// <param name="Paths">The files that were read.</param>
/// <param name="Images">Their images.</param>
/// <param name="Failures">The others, and why.</param>
internal sealed record LoadedFiles(
    string[] Paths, LoadedRows Images, IReadOnlyList<(string Path, Exception Failure)> Failures) : IDisposable
{
    /// <summary>Decodes files on all processors and makes them ready.</summary>
    /// <exception cref="OperationCanceledException">The token is cancelled, which is looked at before every
    /// file.</exception>
    public static LoadedFiles Read(
        EmbeddingTransformer transformer, string[] paths, CancellationToken cancellation)
    {
        var images = new RgbImage[paths.Length];
        var failures = new Exception?[paths.Length];
        var preprocessing = transformer.ImageEncoder.Preprocessing;
        ParallelImages.For(paths.Length, (i, buffer) =>
        {
            try
            {
                images[i] = preprocessing.Resized(
                    new EncodedImage(paths[i], null).Decode(buffer, transformer.ApplyExifOrientation));
            }
            catch (Exception e)
            {
                failures[i] = e;
            }
        }, cancellation);
        int[] read = [.. Enumerable.Range(0, paths.Length).Where(i => failures[i] is null)];
        return new([.. read.Select(i => paths[i])], transformer.ImageEncoder.Load([.. read.Select(i => images[i])]),
            [.. paths.Index().Where(p => failures[p.Index] is not null).Select(p => (p.Item, failures[p.Index]!))]);
    }

    public void Dispose() => Images.Dispose();
}
