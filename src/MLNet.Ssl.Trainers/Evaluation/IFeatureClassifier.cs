using MLNet.Ssl.Onnx;
using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>A classifier of embeddings: features (N,D) → class probabilities (N,C), of one
/// row as an ONNX layer too.</summary>
internal interface IFeatureClassifier : IOnnxLayer, IDisposable
{
    /// <summary>Width D of the features.</summary>
    int Dimension { get; }

    /// <summary>Number of classes C.</summary>
    int NumberOfClasses { get; }

    /// <summary>Class probabilities (N,C) of features (N,D); the caller disposes of them.</summary>
    Tensor Probabilities(Tensor features);
}
