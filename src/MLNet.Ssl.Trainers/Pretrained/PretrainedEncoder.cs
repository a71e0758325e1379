using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>Encoders from files of weights.</summary>
public static class PretrainedEncoder
{
    /// <summary>Loads an encoder: an official checkpoint, or what <see cref="Encoder.SaveSafeTensors(string)"/> wrote
    /// (<see cref="PretrainedWeights"/>).</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What names and shapes do not say; null means all Auto.</param>
    /// <param name="device">Where it runs; the processor by default.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, refused or of no known network; the message
    /// names file and tensor.</exception>
    public static ImageEncoder Load(string path, PretrainedOptions? options = null, Device? device = null)
    {
        using var weights = PretrainedWeights.Open(path, options);
        return weights.CreateEncoder(device);
    }
}
