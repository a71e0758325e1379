using System.Text;
using MLNet.Ssl.Augmentation;
using MLNet.Ssl.Data;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Reports;

/// <summary>Parts of a report that show images: what the network sees, and where it looks.</summary>
internal static class ReportPictures
{
    private const int Samples = 5, AttentionSamples = 3, MostViews = 10;

    // The largest view's side on the page.
    private const int Side = 112;

    // As fine as DINO's figures where patches are small; larger ones would only make the file large.
    private const int PatchesAcross = 30, MostPixels = 256;

    /// <summary>A few images and the views of the first epoch that the run would draw of them.</summary>
    public static string Views(RunDescription run, IImageSource images)
    {
        if (run.Views.Count == 0) return "";
        using var scope = NewDisposeScope();
        IReadOnlyList<ViewRecipe> recipes = [.. run.Views.Take(MostViews)];
        int largest = recipes.Max(recipe => recipe.Size);
        var pipeline = new ViewPipeline(recipes, run.ViewSeed, run.Threads);
        var rows = PretrainReport.Spread(images.Count, Samples);
        var views = pipeline.Render(images, rows, epoch: 0);
        string which = run.Views.Count > MostViews ? $" (the first {MostViews} of {run.Views.Count})" : "";
        var html = new StringBuilder($"""
            <h2>What the network sees</h2>
            <p class="lead">Images as they are, and random views of them as they reach the network{which}.</p>
            <div class="card">

            """);
        for (int row = 0; row < rows.Length; row++)
        {
            html.Append("<div class=\"views\">\n").Append(Figure(Small(images.Copy(rows[row])), Side, "image"));
            for (int view = 0; view < views.Length; view++)
                html.Append(Figure(Shown(views[view], row, recipes[view].Normalization),
                    Math.Max(28, Side * recipes[view].Size / largest), $"view {view + 1}, {recipes[view].Size} px"));
            html.Append("</div>\n");
        }
        return html.Append("</div>\n").ToString();
    }

    /// <summary>Attention maps of a few images; nothing for networks without attention.</summary>
    public static string Attention(ImageEncoder encoder, IImageSource images)
    {
        if (encoder.Backbone is not ITokenBackbone transformer) return "";
        var html = new StringBuilder($"""
            <h2>Where it looks</h2>
            <p class="lead">An image, and the attention of the class token in each head of the last block.</p>
            {HeatScale.Html}
            <div class="attention">

            """);
        foreach (int row in PretrainReport.Spread(images.Count, AttentionSamples))
        {
            var maps = AttentionMaps.Of(encoder, images.Copy(row),
                Math.Min(MostPixels, PatchesAcross * transformer.PatchSize));
            html.Append($"<figure class=\"card\"><img src=\"{PngImage.DataUri(maps.ContactSheet())}\" "
                + $"alt=\"Attention maps of image {row}\"></figure>\n");
        }
        return html.Append("</div>\n").ToString();
    }

    private static string Figure(RgbImage image, int side, string name) =>
        $"<figure style=\"--side: {side}\"><img src=\"{PngImage.DataUri(image)}\" "
            + $"alt=\"{name}\"><figcaption>{name}</figcaption></figure>\n";

    private static RgbImage Small(RgbImage image)
    {
        var store = new ImageStore(maxShorterSide: 2 * Side);
        store.Add(image.Pixels.Span, image.Width, image.Height);
        return store[0];
    }

    /// <summary>Undoes the standardisation of a view of (views, 3, S, S).</summary>
    private static RgbImage Shown(Tensor views, int row, Normalization normalization)
    {
        int side = (int)views.size(-1), area = side * side;
        using var rows = new TensorRows(views);
        var values = rows[row];
        var (mean, std) = (normalization.Mean, normalization.Std);
        ReadOnlySpan<float> means = [mean.Red, mean.Green, mean.Blue], stds = [std.Red, std.Green, std.Blue];
        var pixels = new byte[3 * area];
        for (int i = 0; i < pixels.Length; i++)
        {
            int channel = i % 3;
            pixels[i] = (byte)Math.Clamp(MathF.Round(
                255 * (values[channel * area + i / 3] * stds[channel] + means[channel])), 0, 255);
        }
        return new(pixels, side, side);
    }
}
