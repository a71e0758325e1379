namespace MLNet.Ssl.Onnx;

/// <summary>A module that can write its forward pass in evaluation mode as nodes of an ONNX graph; implemented beside forward.</summary>
internal interface IOnnxLayer
{
    /// <summary>Adds the nodes of the forward pass.</summary>
    /// <param name="graph">The graph of the whole network.</param>
    /// <param name="x">Name of the input value.</param>
    /// <returns>Name of the result.</returns>
    string Export(OnnxGraph graph, string x);
}
