using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A tensor that a module registers and an optimizer updates. Takes over the tensor it is made from, which becomes empty.</summary>
public class Parameter : Tensor
{
    public Parameter(Tensor data, bool requires_grad = true) : base(data.DecoupleFromNativeHandle()) => requires_grad_(requires_grad);
}
