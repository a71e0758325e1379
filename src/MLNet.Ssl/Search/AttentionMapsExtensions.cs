namespace MLNet.Ssl;

/// <summary>Attention maps as files.</summary>
public static class AttentionMapsExtensions
{
    /// <summary>
    /// Writes the overlay of each head (<c>name-head0.png</c> …) and the contact sheet of all (<c>name.png</c>) as PNG
    /// files.
    /// </summary>
    /// <param name="maps">The maps.</param>
    /// <param name="folder">The folder; it is made where it does not exist, and files of these names are
    /// replaced.</param>
    /// <param name="name">What the files' names begin with.</param>
    /// <returns>The files' paths, the contact sheet first.</returns>
    public static IReadOnlyList<string> Save(this AttentionMaps maps, string folder, string name = "attention")
    {
        ArgumentNullException.ThrowIfNull(maps);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        Directory.CreateDirectory(folder);
        var paths = new List<string> { Path.Combine(folder, $"{name}.png") };
        maps.ContactSheet().Save(paths[0]);
        for (int head = 0; head < maps.Heads; head++)
        {
            paths.Add(Path.Combine(folder, $"{name}-head{head}.png"));
            maps.Overlay(head).Save(paths[^1]);
        }
        return paths;
    }
}
