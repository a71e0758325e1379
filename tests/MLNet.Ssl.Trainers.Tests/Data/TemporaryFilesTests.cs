namespace MLNet.Ssl.Tests;

/// <summary>What stands in the system's folder of temporary files does not stay there.</summary>
public sealed class TemporaryFilesTests
{
    [Fact]
    public void AFolderIsGoneWithItsProcessOrWithTheNextFolder()
    {
        string prefix = $"mlnet-ssl-{Guid.NewGuid():N}-";
        string left = Directory.CreateTempSubdirectory(prefix).FullName;
        File.WriteAllText(Path.Combine(left, "process.lock"), "");
        File.WriteAllText(Path.Combine(left, "image"), "what a process left that was killed");
        string foreign = Directory.CreateTempSubdirectory(prefix).FullName;
        string first;
        using (var held = HeldFolder.Create(prefix))
        {
            first = held.Path;
            Assert.False(Directory.Exists(left));
            Assert.True(Directory.Exists(foreign));
            File.WriteAllText(Path.Combine(first, "image"), "");
            using var other = HeldFolder.Create(prefix);
            Assert.True(File.Exists(Path.Combine(first, "image")));
            Assert.NotEqual(first, other.Path);
        }
        Directory.Delete(foreign);
        Assert.Empty(Directory.GetDirectories(Path.GetTempPath(), prefix + "*"));
    }

    [Fact]
    public void AFileOfOursIsGoneWhenItIsClosed()
    {
        string folder = Directory.CreateTempSubdirectory("mlnet-ssl-").FullName;
        using (var file = TemporaryFile.Create(folder))
        {
            file.Write([1, 2, 3]);
            // On Windows the system deletes it with the process, elsewhere it has no name from the beginning.
            Assert.Equal(OperatingSystem.IsWindows() ? 1 : 0, Directory.GetFiles(folder).Length);
            file.Position = 0;
            Assert.Equal([1, 2, 3], new BinaryReader(file).ReadBytes(9));
        }
        Directory.Delete(folder);
    }

    [Fact]
    public void TheFolderOfImagesThatMemoryHasNoRoomForIsDeletedToo()
    {
        string folder;
        using (var cache = OpenImageCache.OpenTemporary(_ => { }))
        {
            folder = cache.Folder;
            Assert.True(cache.TryAddImage(1, new(new byte[3 * 4 * 4], 4, 4)));
            Assert.True(Directory.Exists(folder));
        }
        Assert.False(Directory.Exists(folder));
    }
}
