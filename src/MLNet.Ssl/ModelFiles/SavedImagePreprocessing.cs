namespace MLNet.Ssl.ModelFiles;

/// <summary><see cref="ImagePreprocessing"/> in a description.</summary>
internal sealed record SavedImagePreprocessing(
    int? Resize, int? CropSize, Interpolation Interpolation, float[] Mean, float[] Std)
{
    public static SavedImagePreprocessing Of(ImagePreprocessing preprocessing)
    {
        var (mean, std) = preprocessing.Normalization;
        return new(preprocessing.Resize, preprocessing.CropSize, preprocessing.Interpolation,
            [mean.Red, mean.Green, mean.Blue], [std.Red, std.Green, std.Blue]);
    }

    public ImagePreprocessing Restore()
    {
        if (Mean.Length != 3 || Std.Length != 3)
            throw new InvalidDataException(
                $"the preprocessing has {Mean.Length} means and {Std.Length} deviations; expected 3 of both.");
        var preprocessing = new ImagePreprocessing
        {
            Resize = Resize,
            CropSize = CropSize,
            Interpolation = Interpolation,
            Normalization = new((Mean[0], Mean[1], Mean[2]), (Std[0], Std[1], Std[2])),
        };
        preprocessing.Validate();
        return preprocessing;
    }
}
