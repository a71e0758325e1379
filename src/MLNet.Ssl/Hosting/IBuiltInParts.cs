using Microsoft.ML;

namespace MLNet.Ssl.Hosting;

/// <summary>Transformers of ML.NET that do what one of this library does.</summary>
internal interface IBuiltInParts
{
    /// <summary>The chain of them; whoever asked disposes of it.</summary>
    /// <exception cref="NotSupportedException">There is none: the message says why.</exception>
    /// <exception cref="InvalidOperationException">There is none with the options that the transformer has.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed of.</exception>
    ITransformer Of(ITransformer transformer);
}
