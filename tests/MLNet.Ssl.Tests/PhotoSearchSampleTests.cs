using Microsoft.ML;
using PhotoSearch;

namespace MLNet.Ssl.Tests;

public sealed class PhotoSearchSampleTests
{
    private static ImageDataCatalog Data => new MLContext().SelfSupervised().Data;

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
        Assert.Contains("1 readable photos",
            Assert.ThrowsAny<IOException>(() => PhotoFolder.Open(Data, folder.Path)).Message);
        Assert.Contains("no folder",
            Assert.ThrowsAny<IOException>(() => PhotoFolder.Open(Data, folder.File("nowhere"))).Message);
    }
}
