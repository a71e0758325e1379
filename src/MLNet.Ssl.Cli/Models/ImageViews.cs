using Microsoft.ML;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Models;

/// <summary>Images as rows of ML.NET, decoded a batch at a time as they are read.</summary>
internal static class ImageViews
{
    private const int ImagesAtATime = 64;

    public static IDataView Of(MLContext context, ImageSource source, OnUnreadableImage onUnreadable,
        Session session) =>
        context.Data.LoadFromEnumerable(Rows(source, onUnreadable, session));

    /// <summary>The images of some rows, in their order; those that cannot be read are told of or end it.</summary>
    /// <exception cref="InvalidOperationException">An image cannot be read, and is not to be left out; the message
    /// names it.</exception>
    public static IEnumerable<IReadOnlyList<(int Row, RgbImage Image)>> Batches(
        ImageSource source, int from, int to, OnUnreadableImage onUnreadable, Session session,
            Action<int>? skipped = null)
    {
        foreach (var chunk in source.Read(from, to).Chunk(ImagesAtATime))
        {
            session.Token.ThrowIfCancellationRequested();
            var images = new RgbImage[chunk.Length];
            var failures = new Exception?[chunk.Length];
            Parallel.For(0, chunk.Length, i =>
            {
                try
                {
                    images[i] = chunk[i].Load();
                }
                catch (Exception e) when (e
                    is InvalidOperationException or InvalidDataException or ArgumentException or IOException)
                {
                    failures[i] = e;
                }
            });
            var read = new List<(int, RgbImage)>();
            for (int i = 0; i < chunk.Length; i++)
            {
                if (failures[i] is not { } failure)
                {
                    read.Add((chunk[i].Row, images[i]));
                    continue;
                }
                string reason = failure.Message.Contains(chunk[i].Name, StringComparison.Ordinal) ? failure.Message
                    : $"{chunk[i].Name}: {failure.Message}";
                if (onUnreadable == OnUnreadableImage.Throw)
                    throw new InvalidOperationException(
                        $"{reason} (--on-unreadable-image skip leaves such images out.)", failure);
                session.Warn($"left out: {reason}");
                skipped?.Invoke(chunk[i].Row);
            }
            yield return read;
        }
    }

    private static IEnumerable<ImageRow> Rows(ImageSource source, OnUnreadableImage onUnreadable, Session session)
    {
        foreach (var batch in Batches(source, 0, source.Count, onUnreadable, session))
            foreach (var (row, image) in batch)
            {
                using var converted = image.ToMLImage();
                yield return new() { Image = converted, Label = source.Labels?[row] ?? "" };
            }
    }
}
