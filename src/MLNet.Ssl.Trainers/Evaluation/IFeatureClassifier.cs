using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>A classifier of embeddings: features (N,D) → class probabilities (N,C).</summary>
internal interface IFeatureClassifier : IDisposable
{
    /// <summary>Width D of the features.</summary>
    int Dimension { get; }

    /// <summary>Number of classes C.</summary>
    int NumberOfClasses { get; }

    /// <summary>Class probabilities (N,C) of features (N,D); the caller disposes of them.</summary>
    Tensor Probabilities(Tensor features);
}
