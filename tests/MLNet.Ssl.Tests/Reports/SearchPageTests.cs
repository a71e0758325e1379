using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class SearchPageTests
{
    [Fact]
    public void ThePageHoldsItsPicturesAndEscapesNames()
    {
        var ml = new MLContext(seed: 1);
        var network = new VisionTransformerOptions
        {
            ImageSize = 16,
            PatchSize = 4,
            EmbeddingDimension = 16,
            Depth = 2,
            Heads = 2
        };
        using var encoder = ml.SelfSupervised().Pretrain(options: TestImages.Untrained with { Backbone = network })
            .Fit(ml.View(TestImages.Rows(4)));
        var photo = new RgbImage(TestImages.Rgb(1, 600, 300), 600, 300);
        var page = new SearchPage { Title = "a & b", Facts = "<facts>" };
        var attention = AttentionMaps.Of((ImageEncoder)encoder.Encoder, photo, 16);
        page.Add("roses/<script>.jpg", photo, [("x\"y.jpg", photo, 0.51234f), ("z.jpg", photo, -0.2f)], attention);
        page.Add("q", photo, []);
        using var folder = new TemporaryFolder();
        page.Write(folder.File("page.html"));
        string html = File.ReadAllText(folder.File("page.html"));
        Assert.DoesNotContain("<script>", html);
        Assert.Contains("roses/&lt;script&gt;.jpg", html);
        Assert.Contains("alt=\"x&quot;y.jpg\"", html);
        Assert.Contains("<title>a &amp; b</title>", html);
        Assert.Contains("&lt;facts&gt;", html);
        Assert.Contains("0.512", html);
        Assert.Contains("width:0%", html);
        Assert.Equal(2, Regex.Count(html, "<section>"));
        Assert.Equal(1, Regex.Count(html, "<details open"));
        Assert.Equal(2, Regex.Count(html, "Attention of head"));
        // Nothing is fetched: every source is in the page.
        const string Start = "data:image/jpeg;base64,";
        var sources = Regex.Matches(html, "(?:src|href)=\"([^\"]*)").Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(6, sources.Count);
        Assert.All(sources, source => Assert.StartsWith(Start, source));
        File.WriteAllBytes(folder.File("t.jpg"), Convert.FromBase64String(sources[0][Start.Length..]));
        using var image = MLImage.CreateFromFile(folder.File("t.jpg"));
        Assert.Equal((480, 240), (image.Width, image.Height));
    }

    [Fact]
    public void BarsSpanTheSimilaritiesShownAndHitsOfTheQuerysFolderAreMarked()
    {
        var photo = new RgbImage(TestImages.Rgb(1), TestImages.Size, TestImages.Size);
        var page = new SearchPage();
        page.Add("roses/1.jpg", photo, [("roses/2.jpg", photo, 0.99f), ("tulips/roses.jpg", photo, 0.97f)]);
        page.Add("3.jpg", photo, [("4.jpg", photo, 0.95f)]);
        string html = page.Html();
        Assert.Equal(["100", "50", "0"], Regex.Matches(html, "width:(\\d+)%\"").Select(match => match.Groups[1].Value));
        Assert.Contains("0.950, to the greatest, 0.990.", html);
        // Of names without a folder nothing is known.
        Assert.Equal(1, Regex.Count(html, "<figure class=\"own\">"));
        Assert.Contains(">✓ roses</span>", html);
        Assert.Contains("<span class=\"name\" title=\"tulips/roses.jpg\">roses.jpg</span>", html);
        // One similarity makes no range.
        var one = new SearchPage();
        one.Add("q", photo, [("x", photo, 0.5f)]);
        Assert.Contains("width:100%", one.Html());
        Assert.DoesNotContain("Bars are drawn", one.Html());
    }
}
