namespace MLNet.Ssl.Onnx;

/// <summary>
/// A module that can write its forward pass in evaluation mode as nodes of an ONNX graph; implemented beside forward. A
/// backbone of your own that does so can be exported (<see cref="Encoder.ExportOnnx(string)"/>).
/// </summary>
/// <example><code>
/// public string Export(OnnxGraph graph, string x)
/// {
///     x = graph.Relu(graph.Conv(x, _kernel, _bias, stride: 2, padding: 1));
///     return graph.ReduceMean(x, keepDimensions: false, 2, 3);
/// }
/// </code></example>
public interface IOnnxLayer
{
    /// <summary>Adds the nodes of the forward pass.</summary>
    /// <param name="graph">The graph of the whole network.</param>
    /// <param name="x">Name of the input value.</param>
    /// <returns>Name of the result.</returns>
    string Export(OnnxGraph graph, string x);
}
