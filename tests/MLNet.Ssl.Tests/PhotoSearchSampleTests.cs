using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using PhotoSearch;

namespace MLNet.Ssl.Tests;

public sealed class PhotoSearchSampleTests
{
    private static ImageDataCatalog Data => new MLContext().SelfSupervised().Data;

    [Fact]
    public void ThePageHoldsItsPicturesAndEscapesNames()
    {
        string picture = Thumbnail.DataUri(new(TestImages.Rgb(1, 40, 20), 40, 20), 10);
        string html = ResultPage.Html("a & b", "<facts>",
            [new(new("roses/<script>.jpg", picture), [new("x\"y.jpg", picture, 0.51234f), new("z.jpg", picture, -0.2f)], [picture, picture]), new(new("q", picture), [], [])]);
        Assert.DoesNotContain("<script>", html);
        Assert.Contains("roses/&lt;script&gt;.jpg", html);
        Assert.Contains("alt=\"x&quot;y.jpg\"", html);
        Assert.Contains("0.512", html);
        Assert.Contains("width:0%", html);
        Assert.Equal(2, Regex.Count(html, "<section>"));
        Assert.Equal(1, Regex.Count(html, "<details open"));
        Assert.Equal(2, Regex.Count(html, "Attention of head"));
        // Nothing is fetched: every source is in the page.
        Assert.All(Regex.Matches(html, "(?:src|href)=\"([^\"]*)").Select(m => m.Groups[1].Value), source => Assert.StartsWith("data:image/jpeg;base64,", source));
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("t.jpg"), Convert.FromBase64String(picture[(picture.IndexOf(',') + 1)..]));
        using var image = MLImage.CreateFromFile(folder.File("t.jpg"));
        Assert.Equal((20, 10), (image.Width, image.Height));
    }

    [Fact]
    public void AFolderGivesItsReadablePhotosInOrder()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("b"));
        foreach (string name in new[] { "b/1.png", "a.PNG", "c.png" })
        {
            using var image = TestImages.Image(1);
            image.Save(folder.File(name.ToLowerInvariant()));
            if (name != name.ToLowerInvariant()) File.Move(folder.File(name.ToLowerInvariant()), folder.File(name));
        }
        File.WriteAllText(folder.File("bad.jpg"), "no");
        File.WriteAllText(folder.File("notes.txt"), "no");
        var photos = PhotoFolder.Open(Data, folder.Path);
        Assert.Equal(["a.PNG", "b/1.png", "c.png"], photos.Files.Select(photos.Name));
        Assert.Equal([folder.File("bad.jpg")], photos.Unreadable.Select(u => u.File));
        Assert.Equal(photos.Files, photos.Sample(10));
        Assert.Equal([folder.File("b/1.png")], photos.Sample(1));
        File.Delete(folder.File("a.PNG"));
        File.Delete(folder.File("c.png"));
        Assert.Contains("1 readable photos", Assert.ThrowsAny<IOException>(() => PhotoFolder.Open(Data, folder.Path)).Message);
        Assert.Contains("no folder", Assert.ThrowsAny<IOException>(() => PhotoFolder.Open(Data, folder.File("nowhere"))).Message);
    }
}
