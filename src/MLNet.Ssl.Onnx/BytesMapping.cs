using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace MLNet.Ssl.Onnx;

/// <summary>Preprocesses image files, by their bytes.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class BytesMapping : CustomMappingFactory<BytesMapping.Image, PixelRow>
{
    public const string Contract = "MLNet.Ssl.Onnx.Bytes";

    public override Action<Image, PixelRow> GetMapping()
    {
        var preprocessor = new Preprocessor();
        return (image, row) => preprocessor.Apply(image.Input, image.Settings.Span, ref row.Pixels);
    }

    internal sealed class Image
    {
        [ColumnName(Columns.Input)]
        public VBuffer<byte> Input { get; set; }

        [ColumnName(Columns.Settings)]
        public ReadOnlyMemory<char> Settings { get; set; }
    }
}
