using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Cli.Models;

/// <summary>A row of images as ML.NET sees it.</summary>
internal sealed class ImageRow
{
    public const string Column = "Image", LabelColumn = "Label", Embedding = "Embedding";

    [ImageType(1, 1)]
    public MLImage? Image { get; set; }

    public string Label { get; set; } = "";
}
