using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace MLNet.Ssl.Onnx;

/// <summary>Preprocesses images that are vectors of pixels.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class PixelMapping : CustomMappingFactory<PixelMapping.Image, PixelRow>
{
    public const string Contract = "MLNet.Ssl.Onnx.Pixels";

    public override Action<Image, PixelRow> GetMapping()
    {
        var preprocessor = new Preprocessor();
        return (image, row) => preprocessor.Apply(image.Input, image.Settings.Span, ref row.Pixels);
    }

    internal sealed class Image
    {
        [ColumnName(Columns.Input)]
        public VBuffer<float> Input { get; set; }

        [ColumnName(Columns.Settings)]
        public ReadOnlyMemory<char> Settings { get; set; }
    }
}

/// <summary>What a network of images sees, planes of red, green and blue: of any size for ML.NET, which asks
/// no custom mapping for one.</summary>
internal sealed class PixelRow
{
    [ColumnName(Columns.Pixels)]
    public VBuffer<float> Pixels;
}
