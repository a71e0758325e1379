using static TorchSharp.torch;

namespace MLNet.Ssl.Tensors;

/// <summary>A result that is more than one tensor.</summary>
internal interface ITensorHolder
{
    IEnumerable<Tensor> Tensors { get; }
}
