using static TorchSharp.torch;

namespace MLNet.Ssl.Weights;

/// <summary>An element type under its names: TorchSharp's, that of safetensors and
/// that of PyTorch's storages.</summary>
internal sealed record ElementType(ScalarType Type, int Size, string SafeTensors, string Storage)
{
    public static IReadOnlyList<ElementType> All { get; } =
    [
        new(ScalarType.Float64, 8, "F64", "DoubleStorage"),
        new(ScalarType.Float32, 4, "F32", "FloatStorage"),
        new(ScalarType.Float16, 2, "F16", "HalfStorage"),
        new(ScalarType.BFloat16, 2, "BF16", "BFloat16Storage"),
        new(ScalarType.Int64, 8, "I64", "LongStorage"),
        new(ScalarType.Int32, 4, "I32", "IntStorage"),
        new(ScalarType.Int16, 2, "I16", "ShortStorage"),
        new(ScalarType.Int8, 1, "I8", "CharStorage"),
        new(ScalarType.Byte, 1, "U8", "ByteStorage"),
        new(ScalarType.Bool, 1, "BOOL", "BoolStorage"),
    ];

    public static ElementType? Find(ScalarType type) => All.FirstOrDefault(e => e.Type == type);

    public static string Names => string.Join(", ", All.Select(e => e.SafeTensors));
}
