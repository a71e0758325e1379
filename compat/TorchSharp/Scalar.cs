using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>A number on its way into an operator.</summary>
public sealed class Scalar : IDisposable
{
    internal Tag Tag { get; }

    internal long Bits { get; }

    private Scalar(Tag tag, long bits, ScalarType type) => (Tag, Bits, Type) = (tag, bits, type);

    public ScalarType Type { get; }

    public void Dispose() => GC.SuppressFinalize(this);

    private static Scalar Integer(long value) => new(Tag.Int, value, ScalarType.Int64);

    private static Scalar Real(double value) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value), ScalarType.Float64);

    internal double Number => Tag == Tag.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;

    public static implicit operator Scalar(bool value) => new(Tag.Bool, value ? 1 : 0, ScalarType.Bool);
    public static implicit operator Scalar(byte value) => Integer(value);
    public static implicit operator Scalar(sbyte value) => Integer(value);
    public static implicit operator Scalar(short value) => Integer(value);
    public static implicit operator Scalar(int value) => Integer(value);
    public static implicit operator Scalar(long value) => Integer(value);
    public static implicit operator Scalar(Half value) => Real((double)value);
    public static implicit operator Scalar(float value) => Real(value);
    public static implicit operator Scalar(double value) => Real(value);

}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static bool ToBoolean(this Scalar value) => value.Number != 0;
    public static byte ToByte(this Scalar value) => (byte)value.ToInt64();
    public static sbyte ToSByte(this Scalar value) => (sbyte)value.ToInt64();
    public static short ToInt16(this Scalar value) => (short)value.ToInt64();
    public static int ToInt32(this Scalar value) => (int)value.ToInt64();
    public static long ToInt64(this Scalar value) => value.Tag == Tag.Double ? (long)value.Number : value.Bits;
    public static Half ToHalf(this Scalar value) => (Half)value.Number;
    public static float ToSingle(this Scalar value) => (float)value.Number;
    public static double ToDouble(this Scalar value) => value.Number;
}
