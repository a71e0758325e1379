using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>
/// A folder on disk that keeps decoded images, so that a run decodes each file once, and later runs none.
/// </summary>
/// <remarks>
/// <para>Kept are 8-bit pixels as views are cut from them, about 250 KB for a photograph at 224 pixels. A file's entry
/// is found by its path, length and time of change and by how it was decoded, so that a changed file is decoded anew.
/// Any number of runs and processes may share the folder, at the same time too. A process that is killed leaves entries
/// whole or not at all; every entry has a hash, and one that is damaged is decoded and written anew. Deleting the
/// folder costs nothing but time.</para>
/// <para>Images that come decoded (<c>MLImage</c>) and bytes of image files go there too where memory is short
/// (<c>MaxImageMemory</c>).</para>
/// </remarks>
/// <param name="Folder">The folder, on a disk of this machine; it is made if it is missing.</param>
public sealed record ImageCache(string Folder)
{
    /// <summary>
    /// Most bytes that the folder's files may have together, in steps of about an eighth or 256 MiB.
    /// When that many are there, what was not used for longest makes room, but never what a run is
    /// using; then files are decoded each time.
    /// </summary>
    /// <value>Default 64 GiB, range 1 MiB and up.</value>
    public long MaxBytes { get; init; } = 64L << 30;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Folder, "ImageCache.Folder");
        Check.AtLeast(MaxBytes, 1 << 20, "ImageCache.MaxBytes");
    }
}
