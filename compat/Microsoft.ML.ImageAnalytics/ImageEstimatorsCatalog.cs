using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML;

/// <summary>Transforms that read and change images.</summary>
public static class ImageEstimatorsCatalog
{
    /// <summary>Paths (text), relative to a folder, become images of any size.</summary>
    public static ImageLoadingEstimator LoadImages(this TransformsCatalog catalog, string outputColumnName, string imageFolder, string inputColumnName = null)
        => new(new ImageLoadingTransformer(imageFolder, decode: true, new InputOutputColumnPair(outputColumnName, inputColumnName)));

    /// <summary>Paths (text), relative to a folder, become the bytes of the files.</summary>
    public static ImageLoadingEstimator LoadRawImageBytes(
        this TransformsCatalog catalog, string outputColumnName, string imageFolder, string inputColumnName = null)
        => new(new ImageLoadingTransformer(imageFolder, decode: false, new InputOutputColumnPair(outputColumnName, inputColumnName)));

    /// <summary>Images of any size become images of one size.</summary>
    public static ImageResizingEstimator ResizeImages(
        this TransformsCatalog catalog,
        string outputColumnName,
        int imageWidth,
        int imageHeight,
        string inputColumnName = null,
        ImageResizingEstimator.ResizingKind resizing = ImageResizingEstimator.ResizingKind.IsoCrop,
        ImageResizingEstimator.Anchor cropAnchor = ImageResizingEstimator.Anchor.Center)
        => new(new ImageResizingTransformer(imageWidth, imageHeight, resizing, cropAnchor, new InputOutputColumnPair(outputColumnName, inputColumnName)));

    /// <summary>Images of one size become vectors of (value - offset) x scale, one plane a colour unless interleaved.</summary>
    public static ImagePixelExtractingEstimator ExtractPixels(
        this TransformsCatalog catalog,
        string outputColumnName,
        string inputColumnName = null,
        ImagePixelExtractingEstimator.ColorBits colorsToExtract = ImagePixelExtractingEstimator.ColorBits.Rgb,
        ImagePixelExtractingEstimator.ColorsOrder orderOfExtraction = ImagePixelExtractingEstimator.ColorsOrder.ARGB,
        bool interleavePixelColors = false,
        float offsetImage = 0,
        float scaleImage = 1,
        bool outputAsFloatArray = true)
        => new(new ImagePixelExtractingTransformer(
            new PixelLayout(colorsToExtract, orderOfExtraction, interleavePixelColors, offsetImage, scaleImage, outputAsFloatArray),
            new InputOutputColumnPair(outputColumnName, inputColumnName)));
}
