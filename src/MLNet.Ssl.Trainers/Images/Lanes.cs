using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MLNet.Ssl.Images;

/// <summary>
/// Eight pixels of a byte plane as eight 32-bit lanes. Planes are padded to whole lanes (see
/// <see cref="PlanarImage"/>), so loops over them need no tail; the spans are not checked here.
/// </summary>
internal static class Lanes
{
    public const int Count = 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(ReadOnlySpan<byte> plane, int at)
    {
        ref byte first = ref Unsafe.Add(ref MemoryMarshal.GetReference(plane), at);
        var bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref first)).AsByte();
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(bytes);
        var words = Vector128.WidenLower(bytes);
        return Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadSingle(ReadOnlySpan<byte> plane, int at) =>
        Vector256.ConvertToSingle(Load(plane, at));

    /// <summary>Writes the lanes clamped to [0, 255].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<int> values, Span<byte> plane, int at)
    {
        var clamped = Vector256.Min(Vector256.Max(values, Vector256<int>.Zero), Vector256.Create(255));
        var words = Vector128.Narrow(clamped.GetLower(), clamped.GetUpper()).AsUInt16();
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref MemoryMarshal.GetReference(plane), at),
            Vector128.Narrow(words, words).AsUInt64().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Of(int value) => Vector256.Create(value);

    /// <summary>The float lanes cut towards zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Truncate(Vector256<float> values) => Vector256.ConvertToInt32Native(values);
}
