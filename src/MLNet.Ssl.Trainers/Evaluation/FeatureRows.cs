using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>The checks that every evaluator makes of its rows, with messages that name the argument.</summary>
internal static class FeatureRows
{
    /// <summary>Features (N,D), finite, with one label a row between 0 and <paramref name="classes"/> − 1.</summary>
    public static void Check(Tensor features, Tensor labels, int classes, string featuresName = "features",
        string labelsName = "labels")
    {
        ArgumentNullException.ThrowIfNull(features, featuresName);
        ArgumentNullException.ThrowIfNull(labels, labelsName);
        if (features.shape is not [> 0, > 0])
        {
            throw new ArgumentException(
                $"The {featuresName} have the shape {Shape(features)}; expected (samples, width), neither of them 0.",
                featuresName);
        }
        if (features.dtype != ScalarType.Float32)
            throw new ArgumentException($"The {featuresName} are {features.dtype}; expected Float32.", featuresName);
        if (labels.shape is not [var count] || count != features.shape[0])
        {
            throw new ArgumentException(
                $"The {labelsName} have the shape {Shape(labels)}; "
                + $"expected one for each of the {features.shape[0]} rows.", labelsName);
        }
        if (labels.dtype != ScalarType.Int64)
            throw new ArgumentException($"The {labelsName} are {labels.dtype}; expected Int64.", labelsName);
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        if (!features.isfinite().all().item<bool>())
            throw new ArgumentException($"The {featuresName} are not all finite: one is NaN or infinite.",
                featuresName);
        if (labels.min().item<long>() < 0 || labels.max().item<long>() >= classes)
            throw new ArgumentException($"The {labelsName} are not all between 0 and {classes - 1}.", labelsName);
    }

    /// <summary>Rows to be classified, of the width that was learnt.</summary>
    public static void CheckWidth(Tensor features, int width, string name)
    {
        ArgumentNullException.ThrowIfNull(features, name);
        if (features.shape is not [_, var actual] || actual != width)
            throw new ArgumentException($"The {name} have the shape {Shape(features)}; expected ({name}, {width}).",
                name);
    }

    public static string Shape(Tensor tensor) => $"({string.Join(", ", tensor.shape)})";
}
