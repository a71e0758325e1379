using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Tests;

public sealed class ImageFolderTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly TemporaryFolder _folder = new();

    private ImageDataCatalog Data => _ml.SelfSupervised().Data;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AFolderBecomesRowsWithPathLabelAndImageInOrder()
    {
        string photos = RealData.Path("photos");
        var view = Data.LoadImageFolder(photos);
        string[] paths = [.. view.GetColumn<string>("Path")];
        string[] expected =
            [.. Directory.GetFiles(photos, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        Assert.Equal(expected, paths);
        Assert.Equal(paths.Length, view.GetRowCount());
        Assert.Equal(paths.Select(path => Path.GetFileName(Path.GetDirectoryName(path))),
            view.GetColumn<string>("Label"));
        Assert.IsType<ImageDataViewType>(view.Schema["Image"].Type);
        using var cursor = view.GetRowCursor(view.Schema);
        var read = cursor.GetGetter<MLImage>(view.Schema["Image"]);
        MLImage image = null!;
        for (int row = 0; cursor.MoveNext(); row += 1)
        {
            if (row % 10 != 0) continue;
            read(ref image);
            Assert.Equal(RgbImages.Load(paths[row]).Pixels.ToArray(), image.ToRgbImage().Pixels.ToArray());
        }
        image.Dispose();
    }

    [Fact]
    public void ClassesOfTheFoldersAreLearnedFrom()
    {
        var ssl = _ml.SelfSupervised();
        var view = Data.LoadImageFolder(RealData.Path("photos"));
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(view);
        var rows = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(view).Transform(encoder.Transform(view));
        Assert.Equal(6ul, ((KeyDataViewType)rows.Schema["Label"].Type).Count);
        var index = ssl.Index(rows);
        Assert.Equal(view.GetColumn<string>("Path"), index.Keys);
    }

    [Fact]
    public void AllExtensionsInAllFoldersAreTakenAndNothingElse()
    {
        using var image = TestImages.Image(1);
        foreach (string name in new[] { "a/b/1.png", "2.PNG", "a/3.jpeg", "a/.hidden.png", ".git/4.png", "a/text.txt",
            "a/png" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
            image.Save(_folder.File("image.png"));
            File.Move(_folder.File("image.png"), _folder.File(name));
        }
        var view = Data.LoadImageFolder(_folder.Path, withImages: false);
        Assert.Equal(["2.PNG", "a/3.jpeg", "a/b/1.png"],
            view.GetColumn<string>("Path").Select(path => Path.GetRelativePath(_folder.Path, path).Replace('\\', '/')));
        Assert.Equal(["", "a", "b"], view.GetColumn<string>("Label"));
        Assert.Equal(["Path", "Label"], view.Schema.Select(column => column.Name));
        // A file without a folder has no class, rather than one of an empty name.
        var keys = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(view).Transform(view);
        Assert.Equal([0u, 1u, 2u], keys.GetColumn<uint>("Label"));
        // A path that ends in a separator names the same folder.
        Assert.Equal(view.GetColumn<string>("Label"),
            Data.LoadImageFolder(_folder.Path + Path.DirectorySeparatorChar, false).GetColumn<string>("Label"));
    }

    [Fact]
    public void ADamagedFileIsNamedOrLeftOut()
    {
        using var image = TestImages.Image(1);
        image.Save(_folder.File("a.png"));
        image.Save(_folder.File("c.png"));
        byte[] whole = File.ReadAllBytes(_folder.File("a.png"));
        File.WriteAllBytes(_folder.File("b.png"), whole[..(whole.Length / 2)]);
        var view = Data.LoadImageFolder(_folder.Path);
        var error = Assert.Throws<InvalidOperationException>(() =>
            _ml.SelfSupervised().Pretrain("E", "Image", TestImages.Untrained).Fit(view));
        Assert.Contains(_folder.File("b.png"), error.Message);
        using var encoder = _ml.SelfSupervised()
            .Pretrain("E", "Image", TestImages.Untrained with { OnUnreadableImage = OnUnreadableImage.Skip }).Fit(view);
        Assert.Equal(2, encoder.Transform(view).GetColumn<float[]>("E").Count());
    }

    [Fact]
    public void WhatCannotBeLoadedIsAnErrorThatNamesIt()
    {
        Assert.Contains(_folder.File("none"),
            Assert.Throws<DirectoryNotFoundException>(() => Data.LoadImageFolder(_folder.File("none"))).Message);
        File.WriteAllText(_folder.File("text.txt"), "");
        Assert.Contains("but a file",
            Assert.Throws<DirectoryNotFoundException>(() => Data.LoadImageFolder(_folder.File("text.txt"))).Message);
        var empty = Assert.Throws<InvalidOperationException>(() => Data.LoadImageFolder(_folder.Path));
        Assert.Contains(_folder.Path, empty.Message);
        Assert.Contains(".jpeg", empty.Message);
    }

    [Fact]
    public void ShuffledRowsKeepWhatBelongsToThem()
    {
        for (int i = 0; i < 9; i++)
        {
            using var image = TestImages.Image(i);
            Directory.CreateDirectory(_folder.File($"{i}"));
            image.Save(_folder.File($"{i}/{i}.png"));
        }
        var view = Data.LoadImageFolder(_folder.Path);
        using var cursor = view.GetRowCursor(view.Schema, new Random(1));
        var (path, label, pixels) = (cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Path"]),
            cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Label"]),
            cursor.GetGetter<MLImage>(view.Schema["Image"]));
        var order = new List<string>();
        MLImage read = null!;
        while (cursor.MoveNext())
        {
            ReadOnlyMemory<char> p = default, l = default;
            path(ref p);
            label(ref l);
            pixels(ref read);
            Assert.EndsWith($"{l}.png", p.ToString());
            Assert.Equal(RgbImages.Load(p.ToString()).Pixels.ToArray(), read.ToRgbImage().Pixels.ToArray());
            order.Add(l.ToString());
        }
        read.Dispose();
        Assert.NotEqual(Enumerable.Range(0, 9).Select(i => $"{i}"), order);
        Assert.Equal(Enumerable.Range(0, 9).Select(i => $"{i}"), order.Order());
    }
}
