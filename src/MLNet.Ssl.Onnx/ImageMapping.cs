using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Onnx;

/// <summary>Preprocesses images of any size.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class ImageMapping : CustomMappingFactory<ImageMapping.Image, PixelRow>
{
    public const string Contract = "MLNet.Ssl.Onnx.Image";

    public override Action<Image, PixelRow> GetMapping()
    {
        SizeMapping.Register();
        var preprocessor = new Preprocessor();
        return (image, row) => preprocessor.Apply(image.Input, image.Settings.Span, ref row.Pixels);
    }

    internal sealed class Image
    {
        // Images of every size that is registered.
        [AnySize, ColumnName(Columns.Input)]
        public MLImage? Input { get; set; }

        [ColumnName(Columns.Settings)]
        public ReadOnlyMemory<char> Settings { get; set; }
    }

    /// <summary>The type of LoadImages' columns, which ML.NET reads into a class only once it is registered.</summary>
    [AttributeUsage(AttributeTargets.Property)]
    internal sealed class AnySizeAttribute : DataViewTypeAttribute
    {
        public override bool Equals(DataViewTypeAttribute? other) => other is AnySizeAttribute;

        public override bool Equals(object? other) => other is AnySizeAttribute;

        public override int GetHashCode() => 1;

        public override void Register() =>
            DataViewTypeManager.Register(new ImageDataViewType(), typeof(MLImage), this);
    }
}
