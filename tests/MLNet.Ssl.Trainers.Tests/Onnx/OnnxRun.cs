using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace MLNet.Ssl.Tests;

/// <summary>A model file in ONNX Runtime, on one thread.</summary>
internal sealed class OnnxRun : IDisposable
{
    private readonly InferenceSession _session;

    public OnnxRun(string path)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        _session = new(path, options);
    }

    public IReadOnlyDictionary<string, string> Metadata => _session.ModelMetadata.CustomMetadataMap;

    public (string Name, int[] Shape) Input => Only(_session.InputMetadata);

    public (string Name, int[] Shape) Output => Only(_session.OutputMetadata);

    public float[] Run(float[] values, params int[] shape)
    {
        using var results =
            _session.Run([NamedOnnxValue.CreateFromTensor(Input.Name, new DenseTensor<float>(values, shape))]);
        return [.. Assert.Single(results).AsTensor<float>()];
    }

    public void Dispose() => _session.Dispose();

    private static (string, int[]) Only(IReadOnlyDictionary<string, NodeMetadata> values)
    {
        var (name, node) = Assert.Single(values);
        Assert.Equal(typeof(float), node.ElementType);
        return (name, node.Dimensions);
    }
}
