namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public static Tensor operator +(Tensor left, Tensor right) => Native.Call("add.Tensor", left, right);
        public static Tensor operator +(Tensor left, Scalar right) => Native.Call("add.Scalar", left, right);
        public static Tensor operator +(Tensor left, int right) => Native.Call("add.Scalar", left, right);
        public static Tensor operator +(Tensor left, long right) => Native.Call("add.Scalar", left, right);
        public static Tensor operator +(Tensor left, float right) => Native.Call("add.Scalar", left, right);
        public static Tensor operator +(Tensor left, double right) => Native.Call("add.Scalar", left, right);
        public static Tensor operator +(Scalar left, Tensor right) => Native.Call("add.Scalar", right, left);
        public static Tensor operator +(int left, Tensor right) => Native.Call("add.Scalar", right, left);
        public static Tensor operator +(long left, Tensor right) => Native.Call("add.Scalar", right, left);
        public static Tensor operator +(float left, Tensor right) => Native.Call("add.Scalar", right, left);
        public static Tensor operator +(double left, Tensor right) => Native.Call("add.Scalar", right, left);

        public static Tensor operator -(Tensor left, Tensor right) => Native.Call("sub.Tensor", left, right);
        public static Tensor operator -(Tensor left, Scalar right) => Native.Call("sub.Scalar", left, right);
        public static Tensor operator -(Tensor left, int right) => Native.Call("sub.Scalar", left, right);
        public static Tensor operator -(Tensor left, long right) => Native.Call("sub.Scalar", left, right);
        public static Tensor operator -(Tensor left, float right) => Native.Call("sub.Scalar", left, right);
        public static Tensor operator -(Tensor left, double right) => Native.Call("sub.Scalar", left, right);
        public static Tensor operator -(Scalar left, Tensor right) => Native.Call("rsub.Scalar", right, left);
        public static Tensor operator -(int left, Tensor right) => Native.Call("rsub.Scalar", right, left);
        public static Tensor operator -(long left, Tensor right) => Native.Call("rsub.Scalar", right, left);
        public static Tensor operator -(float left, Tensor right) => Native.Call("rsub.Scalar", right, left);
        public static Tensor operator -(double left, Tensor right) => Native.Call("rsub.Scalar", right, left);

        public static Tensor operator *(Tensor left, Tensor right) => Native.Call("mul.Tensor", left, right);
        public static Tensor operator *(Tensor left, Scalar right) => Native.Call("mul.Scalar", left, right);
        public static Tensor operator *(Tensor left, int right) => Native.Call("mul.Scalar", left, right);
        public static Tensor operator *(Tensor left, long right) => Native.Call("mul.Scalar", left, right);
        public static Tensor operator *(Tensor left, float right) => Native.Call("mul.Scalar", left, right);
        public static Tensor operator *(Tensor left, double right) => Native.Call("mul.Scalar", left, right);
        public static Tensor operator *(Scalar left, Tensor right) => Native.Call("mul.Scalar", right, left);
        public static Tensor operator *(int left, Tensor right) => Native.Call("mul.Scalar", right, left);
        public static Tensor operator *(long left, Tensor right) => Native.Call("mul.Scalar", right, left);
        public static Tensor operator *(float left, Tensor right) => Native.Call("mul.Scalar", right, left);
        public static Tensor operator *(double left, Tensor right) => Native.Call("mul.Scalar", right, left);

        public static Tensor operator /(Tensor left, Tensor right) => Native.Call("div.Tensor", left, right);
        public static Tensor operator /(Tensor left, Scalar right) => Native.Call("div.Scalar", left, right);
        public static Tensor operator /(Tensor left, int right) => Native.Call("div.Scalar", left, right);
        public static Tensor operator /(Tensor left, long right) => Native.Call("div.Scalar", left, right);
        public static Tensor operator /(Tensor left, float right) => Native.Call("div.Scalar", left, right);
        public static Tensor operator /(Tensor left, double right) => Native.Call("div.Scalar", left, right);
        public static Tensor operator /(Scalar left, Tensor right) => Reciprocal(right, left);
        public static Tensor operator /(int left, Tensor right) => Reciprocal(right, left);
        public static Tensor operator /(long left, Tensor right) => Reciprocal(right, left);
        public static Tensor operator /(float left, Tensor right) => Reciprocal(right, left);
        public static Tensor operator /(double left, Tensor right) => Reciprocal(right, left);

        public static Tensor operator %(Tensor left, Tensor right) => Native.Call("remainder.Tensor", left, right);
        public static Tensor operator %(Tensor left, Scalar right) => Native.Call("remainder.Scalar", left, right);
        public static Tensor operator %(Tensor left, int right) => Native.Call("remainder.Scalar", left, right);
        public static Tensor operator %(Tensor left, long right) => Native.Call("remainder.Scalar", left, right);
        public static Tensor operator %(Tensor left, float right) => Native.Call("remainder.Scalar", left, right);
        public static Tensor operator %(Tensor left, double right) => Native.Call("remainder.Scalar", left, right);

        public static Tensor operator ==(Tensor left, Tensor right) => left.eq(right);
        public static Tensor operator ==(Tensor left, Scalar right) => left.eq(right);
        public static Tensor operator ==(Scalar left, Tensor right) => right.eq(left);
        public static Tensor operator !=(Tensor left, Tensor right) => left.ne(right);
        public static Tensor operator !=(Tensor left, Scalar right) => left.ne(right);
        public static Tensor operator !=(Scalar left, Tensor right) => right.ne(left);
        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);
        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);
        public static Tensor operator <(Scalar left, Tensor right) => right.gt(left);
        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);
        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);
        public static Tensor operator <=(Scalar left, Tensor right) => right.ge(left);
        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);
        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);
        public static Tensor operator >(Scalar left, Tensor right) => right.lt(left);
        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);
        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);
        public static Tensor operator >=(Scalar left, Tensor right) => right.le(left);

        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);
        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);
        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);
        public static Tensor operator ~(Tensor left) => left.bitwise_not();
        public static Tensor operator -(Tensor tensor) => tensor.neg();

        private static Tensor Reciprocal(Tensor right, Arg left)
        {
            using var inverse = right.reciprocal();
            return Native.Call("mul.Scalar", inverse, left);
        }

        public static implicit operator Tensor(bool value) => tensor(value);
        public static implicit operator Tensor(byte value) => tensor(value);
        public static implicit operator Tensor(sbyte value) => tensor(value);
        public static implicit operator Tensor(short value) => tensor(value);
        public static implicit operator Tensor(int value) => tensor(value);
        public static implicit operator Tensor(long value) => tensor(value);
        public static implicit operator Tensor(float value) => tensor(value);
        public static implicit operator Tensor(double value) => tensor(value);
        public static implicit operator Tensor(bool[] value) => tensor(value);
        public static implicit operator Tensor(byte[] value) => tensor(value);
        public static implicit operator Tensor(sbyte[] value) => tensor(value);
        public static implicit operator Tensor(short[] value) => tensor(value);
        public static implicit operator Tensor(int[] value) => tensor(value);
        public static implicit operator Tensor(long[] value) => tensor(value);
        public static implicit operator Tensor(float[] value) => tensor(value);
        public static implicit operator Tensor(double[] value) => tensor(value);
        public static implicit operator Tensor(Scalar scalar) => full([], scalar);

        public static explicit operator bool(Tensor value) => value.ToBoolean();
        public static explicit operator byte(Tensor value) => value.ToByte();
        public static explicit operator sbyte(Tensor value) => value.ToSByte();
        public static explicit operator short(Tensor value) => value.ToInt16();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();
    }
}
