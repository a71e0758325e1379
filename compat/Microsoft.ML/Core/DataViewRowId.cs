namespace Microsoft.ML.Data;

/// <summary>128 bits that name a row; derived ids are hashes, so that different histories give different ids.</summary>
public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    public readonly ulong Low;
    public readonly ulong High;

    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    public DataViewRowId Fork() => Mixed(0x9E3779B97F4A7C15);
    public DataViewRowId Next() => Mixed(0xC2B2AE3D27D4EB4F);
    public DataViewRowId Combine(DataViewRowId other)
        => new(Mix(Low ^ Mix(other.Low + 0x165667B19E3779F9)), Mix(High ^ Mix(other.High + 0x27D4EB2F165667C5) + Low));

    public int CompareTo(DataViewRowId other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);
    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;
    public override bool Equals(object obj) => obj is DataViewRowId other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(Low, High);
    public override string ToString() => $"{High:x16}{Low:x16}";

    private DataViewRowId Mixed(ulong salt) => new(Mix(Low + salt), Mix(High ^ Mix(Low ^ salt)));

    // The finalizer of splitmix64, a bijection.
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
