using Microsoft.ML;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl;

/// <summary>Data for learning; <see cref="SelfSupervisedCatalog.Data"/> gives it.</summary>
public sealed class ImageDataCatalog
{
    internal ImageDataCatalog()
    {
    }

    /// <summary>The images of a folder and of all folders in it, a row each, in order of their paths.</summary>
    /// <remarks>
    /// <para>The columns are "Path", a text; "Label", a text: the name of the folder that the file is in, empty for
    /// files of <paramref name="path"/> itself (<c>MapValueToKey</c> makes classes of it, and of an empty one a missing
    /// class); and "Image".</para>
    /// <para>The files are listed at once, and each is decoded when its row is read, by the guarded decoder
    /// (<see cref="RgbImages.Load(string)"/>): one that is damaged, ends early or has more than
    /// <see cref="RgbImages.MaxPixels"/> is an error that names it, or is left out, as
    /// <see cref="TrainingOptions.OnUnreadableImage"/> says. As with <c>LoadImages</c>, <c>ml.Data.Cache</c> drops the
    /// images: cache behind what reads them.</para>
    /// </remarks>
    /// <param name="path">The folder. Files ending in .jpg, .jpeg, .png, .gif, .webp and .bmp are taken, in capitals
    /// too; hidden files and folders are not.</param>
    /// <param name="withImages">Whether there is a column "Image". Default true; without, rows have path and label
    /// alone.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidOperationException">There is no image file in it.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder may not be read.</exception>
    public IDataView LoadImageFolder(string path, bool withImages = true) => new ImageFolderView(path, withImages);
}
