using Microsoft.ML;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Onnx;

/// <summary>
/// Tells the size of a column of images to the process that loads a model: <c>224×224</c> as seven mappings that do
/// nothing, of which each is a digit or the ×.
/// </summary>
/// <remarks>
/// ML.NET reads images of a size into a class only where that size is registered, which <c>ResizeImages</c> leaves to
/// rows of the user's, and it makes a custom mapping of a file by its contract alone. So the size is spelled by
/// contracts: a model is loaded in its order, on one thread.
/// </remarks>
internal abstract class SizeMapping(char sign) : CustomMappingFactory<SizeMapping.Nothing, SizeMapping.Nothing>
{
    private const char By = '×';
    private const string Contract = "MLNet.Ssl.Onnx.Size.";

    [ThreadStatic]
    private static string? _spelled;

    private static readonly SizeMapping[] Signs =
        [new Size0(), new Size1(), new Size2(), new Size3(), new Size4(), new Size5(), new Size6(), new Size7(),
            new Size8(), new Size9(), new SizeBy()];

    /// <summary>Steps that tell a size; the mapping of the images comes behind them.</summary>
    public static IEnumerable<IEstimator<ITransformer>> Steps(MLContext ml, ImageDataViewType? images) =>
        images is not { Height: > 0, Width: > 0 } ? []
            : $"{images.Height}{By}{images.Width}".Select(sign =>
                ml.Transforms.CustomMapping(Of(sign).GetMapping(), Contract + (sign == By ? "By" : sign)));

    /// <summary>Forgets what a model spelled that was not loaded to its end.</summary>
    public static void Begin() => _spelled = null;

    /// <summary>Registers the size that was told, if one was.</summary>
    public static void Register()
    {
        if (_spelled?.Split(By) is not [var height, var width]) return;
        Begin();
        // As the attribute on a class of rows does: the same type, so that both go together.
        new ImageTypeAttribute(int.Parse(height), int.Parse(width)).Register();
    }

    public override Action<Nothing, Nothing> GetMapping()
    {
        _spelled += sign;
        return (_, _) => { };
    }

    private static SizeMapping Of(char sign) => sign == By ? Signs[10] : Signs[sign - '0'];

    internal sealed class Nothing;

    [CustomMappingFactoryAttribute(Contract + "0")]
    private sealed class Size0() : SizeMapping('0');

    [CustomMappingFactoryAttribute(Contract + "1")]
    private sealed class Size1() : SizeMapping('1');

    [CustomMappingFactoryAttribute(Contract + "2")]
    private sealed class Size2() : SizeMapping('2');

    [CustomMappingFactoryAttribute(Contract + "3")]
    private sealed class Size3() : SizeMapping('3');

    [CustomMappingFactoryAttribute(Contract + "4")]
    private sealed class Size4() : SizeMapping('4');

    [CustomMappingFactoryAttribute(Contract + "5")]
    private sealed class Size5() : SizeMapping('5');

    [CustomMappingFactoryAttribute(Contract + "6")]
    private sealed class Size6() : SizeMapping('6');

    [CustomMappingFactoryAttribute(Contract + "7")]
    private sealed class Size7() : SizeMapping('7');

    [CustomMappingFactoryAttribute(Contract + "8")]
    private sealed class Size8() : SizeMapping('8');

    [CustomMappingFactoryAttribute(Contract + "9")]
    private sealed class Size9() : SizeMapping('9');

    [CustomMappingFactoryAttribute(Contract + "By")]
    private sealed class SizeBy() : SizeMapping(By);
}
