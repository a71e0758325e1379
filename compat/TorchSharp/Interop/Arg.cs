using System.Text;
using static TorchSharp.torch;

namespace TorchSharp;

internal enum Tag { None, Tensor, Int, Double, Bool, IntList, DoubleList, TensorList, OptionalTensorList, String, Device, Generator, Default }

/// <summary>One operator argument, without allocation; null of any reference type is None.</summary>
internal readonly struct Arg
{
    private readonly Tag _tag;
    private readonly long _bits;
    internal readonly object Reference;

    private Arg(Tag tag, long bits, object reference = null) => (_tag, _bits, Reference) = (tag, bits, reference);

    /// <summary>The schema's own default.</summary>
    internal static Arg Default => new(Tag.Default, 0);

    internal static Arg OptionalTensors(Tensor[] tensors) => new(Tag.OptionalTensorList, 0, tensors);

    public static implicit operator Arg(Tensor tensor) => tensor is null ? default : new(Tag.Tensor, 0, tensor);
    public static implicit operator Arg(Scalar scalar) => scalar is null ? default : new(scalar.Tag, scalar.Bits);
    public static implicit operator Arg(long value) => new(Tag.Int, value);
    public static implicit operator Arg(int value) => new(Tag.Int, value);
    public static implicit operator Arg(double value) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Arg(bool value) => new(Tag.Bool, value ? 1 : 0);
    public static implicit operator Arg(ScalarType value) => new(Tag.Int, (long)value);
    public static implicit operator Arg(long? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(double? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(bool? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(ScalarType? value) => value is { } v ? v : default(Arg);
    public static implicit operator Arg(string value) => value is null ? default : new(Tag.String, 0, value);
    public static implicit operator Arg(long[] values) => values is null ? default : new(Tag.IntList, 0, values);
    public static implicit operator Arg(double[] values) => values is null ? default : new(Tag.DoubleList, 0, values);
    public static implicit operator Arg(Tensor[] tensors) => tensors is null ? default : new(Tag.TensorList, 0, tensors);
    public static implicit operator Arg(Device device) => device is null ? default : new(Tag.Device, device.Packed);
    public static implicit operator Arg(Generator generator) => generator is null ? default : new(Tag.Generator, 0, generator);

    /// <summary>Scratch space needed, in 8-byte words.</summary>
    internal int Words => _tag switch
    {
        Tag.IntList => ((long[])Reference).Length,
        Tag.DoubleList => ((double[])Reference).Length,
        Tag.TensorList or Tag.OptionalTensorList => ((Tensor[])Reference).Length,
        Tag.String => (Encoding.UTF8.GetMaxByteCount(((string)Reference).Length) + 7) / 8,
        _ => 0,
    };

    internal unsafe void Write(ref Native.Value value, ref long* scratch)
    {
        value.Tag = _tag;
        value.Count = 0;
        value.Bits = _bits;
        if (Reference is null) return;
        int words = Words;
        switch (_tag)
        {
            case Tag.Tensor: value.Bits = ((Tensor)Reference).Handle; return;
            case Tag.Generator: value.Bits = ((Generator)Reference).Handle; return;
            case Tag.IntList: ((long[])Reference).CopyTo(new Span<long>(scratch, words)); break;
            case Tag.DoubleList: ((double[])Reference).CopyTo(new Span<double>(scratch, words)); break;
            case Tag.TensorList or Tag.OptionalTensorList:
                var tensors = (Tensor[])Reference;
                for (int i = 0; i < words; i++) scratch[i] = tensors[i]?.Handle ?? 0;
                break;
        }
        value.Count = _tag == Tag.String ? Encoding.UTF8.GetBytes((string)Reference, new Span<byte>(scratch, words * 8)) : words;
        value.Bits = (long)scratch;
        scratch += words;
    }
}
