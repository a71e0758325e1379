using System.Reflection;
using Microsoft.ML;

namespace MLNet.Ssl.Hosting;

/// <summary>
/// What <c>ml.Model.Save</c> gets: ML.NET lets a transformer of another library write nothing there but what its own
/// transformers write, so one of this library is saved as a chain of those. The package MLNet.Ssl.Onnx makes them.
/// </summary>
internal static class ModelSave
{
    private const string Package = "MLNet.Ssl.Onnx";

    private static readonly Lazy<IBuiltInParts?> Parts = new(() =>
    {
        try
        {
            var type = Assembly.Load(Package).GetType("MLNet.Ssl.Onnx.BuiltInParts", throwOnError: true)!;
            return (IBuiltInParts)Activator.CreateInstance(type)!;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    });

    /// <summary>Saves a transformer as ML.NET's own.</summary>
    /// <exception cref="NotSupportedException">It cannot be: the message says why, and names
    /// <see cref="ModelFileCatalog.Save(ITransformer, DataViewSchema?, string)"/>.</exception>
    public static void Write(ITransformer transformer, ModelSaveContext context)
    {
        if (Parts.Value is not { } parts)
            throw Unsupported(transformer,
                $"the package {Package}, which makes transformers of ML.NET of it, is not there: add it.");
        ITransformer chain;
        try
        {
            chain = parts.Of(transformer);
        }
        catch (Exception e)
            when (e is InvalidOperationException and not ObjectDisposedException or NotSupportedException
            or DllNotFoundException or TypeInitializationException)
        {
            throw Unsupported(transformer, e.GetBaseException().Message, e);
        }
        using var _ = chain as IDisposable;
        ((ICanSaveModel)chain).Save(context);
    }

    private static NotSupportedException Unsupported(ITransformer transformer, string reason,
        Exception? cause = null) => new(
        $"{transformer.GetType().Name} cannot be saved by ml.Model.Save: {reason} Or save the model by "
        + "ml.SelfSupervised().Model.Save(model, schema, path), which stores ML.NET's transformers and this library's "
        + "in one file.", cause);
}
