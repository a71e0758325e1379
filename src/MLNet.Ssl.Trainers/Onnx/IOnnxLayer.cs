namespace MLNet.Ssl;

/// <summary>A module whose forward pass in evaluation mode can be written as nodes of an ONNX graph. Backbones and layers implement it beside forward.</summary>
internal interface IOnnxLayer
{
    /// <summary>Adds the nodes of the forward pass.</summary>
    /// <param name="graph">The graph of the whole network.</param>
    /// <param name="x">Name of the input value.</param>
    /// <returns>Name of the result.</returns>
    string Export(OnnxGraph graph, string x);
}
