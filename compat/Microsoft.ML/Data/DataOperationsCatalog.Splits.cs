using System.Runtime.InteropServices;

namespace Microsoft.ML;

using Microsoft.ML.Data;

public sealed partial class DataOperationsCatalog
{
    public readonly struct TrainTestData
    {
        public readonly IDataView TrainSet;
        public readonly IDataView TestSet;

        internal TrainTestData(IDataView trainSet, IDataView testSet) => (TrainSet, TestSet) = (trainSet, testSet);
    }

    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string samplingKeyColumnName = null, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!(testFraction > 0 && testFraction < 1))
            throw new ArgumentOutOfRangeException(nameof(testFraction), testFraction, "The fraction must be between 0 and 1 exclusive");
        return Split(data, Sampling.Of(data, samplingKeyColumnName, seed ?? Environment.Seed), 0, testFraction);
    }

    public IReadOnlyList<TrainTestData> CrossValidationSplit(IDataView data, int numberOfFolds = 5, string samplingKeyColumnName = null, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (numberOfFolds < 2) throw new ArgumentOutOfRangeException(nameof(numberOfFolds), numberOfFolds, "At least 2 folds are needed");
        var sampling = Sampling.Of(data, samplingKeyColumnName, seed ?? Environment.Seed);
        return Enumerable.Range(0, numberOfFolds)
            .Select(fold => Split(data, sampling, (double)fold / numberOfFolds, (double)(fold + 1) / numberOfFolds)).ToArray();
    }

    private static TrainTestData Split(IDataView data, Sampling sampling, double lower, double upper)
    {
        // The last fold holds what rounding or scaling puts at 1.
        upper = upper == 1 ? double.PositiveInfinity : upper;
        return new TrainTestData(
            Rows(inside => !inside),
            Rows(inside => inside));

        IDataView Rows(Func<bool, bool> wanted) => new FilterView(data, sampling.Columns, row =>
        {
            var value = sampling.Create(row);
            return () =>
            {
                var v = value();
                return !double.IsNaN(v) && wanted(v >= lower && v < upper);
            };
        }, inOrder: sampling.Columns.Length == 0);
    }

    /// <summary>A number in [0, 1] for every row, by which rows are split: by position, or so that equal keys stay together.</summary>
    private sealed record Sampling(DataViewSchema.Column[] Columns, Func<DataViewRow, Func<double>> Create)
    {
        private const int DefaultSeed = 42;

        public static Sampling Of(IDataView data, string keyColumn, int? seed)
        {
            if (keyColumn == null)
            {
                return new Sampling([], _ =>
                {
                    var rand = new Random(seed ?? DefaultSeed);
                    return () => rand.NextSingle();
                });
            }
            var column = data.Schema.Find(keyColumn, "sampling key", nameof(keyColumn));
            if (column.Type == NumberDataViewType.Single || column.Type == NumberDataViewType.Double) return Scaled(data, column);
            if (column.Type is KeyDataViewType key) return new Sampling([column], row => Fraction(row.Numbers(column), key.Count));
            return new Sampling([column], row => Hashed(row.BoxedGetter(column), (uint)(seed ?? DefaultSeed)));
        }

        // The missing key is in neither part.
        private static Func<double> Fraction(Func<double> key, ulong count) => () => key() is var k and > 0 ? (k - 0.5) / count : double.NaN;

        private static Sampling Scaled(IDataView data, DataViewSchema.Column column)
        {
            var (min, max) = (double.PositiveInfinity, double.NegativeInfinity);
            using (var cursor = data.GetRowCursor([column]))
            {
                var value = cursor.Numbers(column);
                while (cursor.MoveNext())
                {
                    var v = value();
                    if (double.IsNaN(v)) continue;
                    (min, max) = (Math.Min(min, v), Math.Max(max, v));
                }
            }
            var scale = max > min ? 1 / (max - min) : 0;
            return new Sampling([column], row =>
            {
                var value = row.Numbers(column);
                return () => (value() - min) * scale;
            });
        }

        private static Func<double> Hashed(Func<object> value, uint seed) => () =>
        {
            var hash = value() is Array items ? items.Cast<object>().Aggregate(seed, Hash) : Hash(seed, value());
            return (hash & 0x3FFFFFFF) / (double)(1 << 30);
        };

        private static uint Hash(uint seed, object value)
        {
            var text = value is ReadOnlyMemory<char> chars ? chars.ToString() : FormattableString.Invariant($"{value}");
            return MurmurHash(MemoryMarshal.AsBytes(text.AsSpan()), seed);
        }

        // MurmurHash3, 32 bits, over whole words: UTF-16 text padded with a zero.
        private static uint MurmurHash(ReadOnlySpan<byte> bytes, uint seed)
        {
            var hash = seed;
            for (var i = 0; i < bytes.Length; i += 4)
            {
                var word = (uint)(bytes[i] | bytes[i + 1] << 8);
                if (i + 2 < bytes.Length) word |= (uint)(bytes[i + 2] << 16 | bytes[i + 3] << 24);
                word *= 0xCC9E2D51;
                word = uint.RotateLeft(word, 15) * 0x1B873593;
                hash = uint.RotateLeft(hash ^ word, 13) * 5 + 0xE6546B64;
            }
            hash ^= (uint)bytes.Length;
            hash = (hash ^ (hash >> 16)) * 0x85EBCA6B;
            hash = (hash ^ (hash >> 13)) * 0xC2B2AE35;
            return hash ^ (hash >> 16);
        }
    }
}
