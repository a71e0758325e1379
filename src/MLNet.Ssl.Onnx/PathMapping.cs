using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace MLNet.Ssl.Onnx;

/// <summary>Preprocesses image files, by their paths.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class PathMapping : CustomMappingFactory<PathMapping.Image, PixelRow>
{
    public const string Contract = "MLNet.Ssl.Onnx.Path";

    public override Action<Image, PixelRow> GetMapping()
    {
        var preprocessor = new Preprocessor();
        return (image, row) => preprocessor.Apply(image.Input, image.Settings.Span, ref row.Pixels);
    }

    internal sealed class Image
    {
        [ColumnName(Columns.Input)]
        public string Input { get; set; } = "";

        [ColumnName(Columns.Settings)]
        public ReadOnlyMemory<char> Settings { get; set; }
    }
}
