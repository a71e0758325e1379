using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Tests;

/// <summary>Columns of every type that ML.NET has pass beside an embedding with their own values.</summary>
public sealed class PassingColumnsTests
{
    private const int Count = 2500;

    private readonly MLContext _ml = new(seed: 1);

    private class Everything
    {
        public int Number { get; set; }

        [VectorType(3)]
        public float[] Features { get; set; } = [];

        public bool Bool { get; set; }

        public sbyte SByte { get; set; }

        public byte Byte { get; set; }

        public short Int16 { get; set; }

        public ushort UInt16 { get; set; }

        public uint UInt32 { get; set; }

        public long Int64 { get; set; }

        public ulong UInt64 { get; set; }

        public float Single { get; set; }

        public double Double { get; set; }

        public string Text { get; set; } = "";

        public ReadOnlyMemory<char> Memory { get; set; }

        public DateTime DateTime { get; set; }

        public DateTimeOffset DateTimeOffset { get; set; }

        public TimeSpan TimeSpan { get; set; }

        public DataViewRowId RowId { get; set; }

        [KeyType(250)]
        public byte ByteKey { get; set; }

        [KeyType(100_000)]
        public uint UInt32Key { get; set; }

        [KeyType(100_000)]
        public ulong UInt64Key { get; set; }

        [VectorType(4)]
        public string[] Texts { get; set; } = [];

        public string[] SomeTexts { get; set; } = [];

        public double[] SomeDoubles { get; set; } = [];

        [VectorType(2)]
        public bool[] Bools { get; set; } = [];

        [VectorType(2)]
        public DateTime[] Times { get; set; } = [];

        [VectorType(2)]
        [KeyType(100_000)]
        public uint[] Keys { get; set; } = [];

        [VectorType(100)]
        public VBuffer<float> Sparse { get; set; }

        [VectorType(3)]
        public VBuffer<long> Dense { get; set; }

        [ImageType(4, 2)]
        public MLImage? Image { get; set; }

        public object?[] Values() =>
        [
            Bool, SByte, Byte, Int16, UInt16, UInt32, Int64, UInt64, Single, Double, Text, Memory.ToString(), DateTime,
            DateTimeOffset, TimeSpan, RowId, ByteKey,
            UInt32Key, UInt64Key, string.Join('|', Texts), string.Join('|', SomeTexts), string.Join('|', SomeDoubles),
            string.Join('|', Bools),
            string.Join('|', Times), string.Join('|', Keys), string.Join('|', Sparse.Items(all: true)), Sparse.IsDense,
            string.Join('|', Sparse.Items(all: false)),
            string.Join('|', Dense.DenseValues()), Image is null ? "none"
                : $"{Image.PixelFormat} {Convert.ToHexString(Image.Pixels)}",
        ];
    }

    private sealed class Embedded : Everything
    {
        public float[] Embedding { get; set; } = [];
    }

    private static Everything Row(int i) => new()
    {
        Number = i,
        Features = [i, i % 7, MathF.Sqrt(i)],
        Bool = i % 2 == 0,
        SByte = (sbyte)i,
        Byte = (byte)(3 * i),
        Int16 = (short)-i,
        UInt16 = (ushort)(7 * i),
        UInt32 = (uint)i,
        Int64 = -5_000_000_000L * i,
        UInt64 = ulong.MaxValue - (ulong)i,
        Single = i % 50 == 0 ? float.NaN : 0.25f * i,
        Double = Math.Exp(i % 300),
        Text = i % 5 == 0 ? "" : $"text {i}",
        Memory = $"memory {i}".ToCharArray().AsMemory(i % 3),
        DateTime = new DateTime(2020, 1, 1).AddMinutes(i),
        DateTimeOffset = new(new DateTime(2020, 1, 1).AddMinutes(i), TimeSpan.FromHours(i % 5)),
        TimeSpan = TimeSpan.FromSeconds(i),
        RowId = new((ulong)i, (ulong)(i * i)),
        ByteKey = (byte)(i % 250),
        UInt32Key = (uint)(2 * i),
        UInt64Key = (ulong)(3 * i),
        Texts = [$"{i}", "", $"t{i % 3}", "constant"],
        SomeTexts = [.. Enumerable.Range(0, i % 4).Select(k => $"{i}.{k}")],
        SomeDoubles = [.. Enumerable.Range(0, i % 6).Select(k => i + 0.5 * k)],
        Bools = [i % 3 == 0, i % 2 == 0],
        Times = [new DateTime(1990, 1, 1).AddDays(i), new DateTime(2000, 1, 1)],
        Keys = [(uint)i + 1, 0],
        Sparse = i % 4 == 0 ? new(100, 0, [], []) : new(100, 2, [i, -i], [i % 50, 50 + i % 50]),
        Dense = new(3, [i, 2 * i, 3 * i]),
        Image = i % 9 == 0 ? null
            : TestImages.Image(i, i % 2 == 0 ? MLPixelFormat.Bgra32 : MLPixelFormat.Rgba32, (byte)i, 4, 2),
    };

    [Fact]
    public void ColumnsOfEveryTypeKeepTheirRow()
    {
        var random = new Random(1);
        using var transformer = _ml.SelfSupervised().Pretrain("Embedding", "Features", new SimClrOptions
        {
            Backbone = new TabularMlpOptions { InputWidth = 8, HiddenWidths = [16], OutputWidth = 32 },
            Epochs = 0,
        }).Fit(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 64).Select(Row)));
        var view = transformer.Transform(
            _ml.Data.LoadFromEnumerable(Enumerable.Range(0, Count).Select(Row).OrderBy(_ => random.Next())));
        AssertRows(view, transformer);
        AssertKeysOfSixteenBits(transformer);
    }

    private void AssertRows(IDataView view, EmbeddingTransformer transformer)
    {
        // Keys are not as they were given: ML.NET counts them from 1.
        var expected = _ml.Data.CreateEnumerable<Everything>(
            _ml.Data.LoadFromEnumerable(Enumerable.Range(0, Count).Select(Row)), false).ToArray();
        foreach (bool reuse in new[] { true, false })
        {
            var numbers = new HashSet<int>();
            var alone = new float[8];
            foreach (var row in _ml.Data.CreateEnumerable<Embedded>(view, reuse))
            {
                Assert.Equal(expected[row.Number].Values(), row.Values());
                ((TableEncoder)transformer.Encoder).Embed([Row(row.Number).Features], alone);
                TestImages.AssertClose(alone, row.Embedding);
                Assert.True(numbers.Add(row.Number));
            }
            Assert.Equal(Count, numbers.Count);
        }
    }
    /// <summary>LoadFromEnumerable takes none; a text file does.</summary>
    private void AssertKeysOfSixteenBits(EmbeddingTransformer transformer)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder.File("rows.csv"), Enumerable.Range(0, Count).Select(i => $"{i},{i % 700},1,2,{i}"));
        var view = transformer.Transform(_ml.Data.LoadFromTextFile(folder.File("rows.csv"),
        [
            new("Number", DataKind.Int32, 0), new("Key16", DataKind.UInt16, [new(1)], new KeyCount(700)),
            new("Features", DataKind.Single, 2, 4),
        ], ','));
        Assert.Equal(typeof(ushort), Assert.IsType<KeyDataViewType>(view.Schema["Key16"].Type).RawType);
        using var cursor = view.GetRowCursor(view.Schema);
        var number = cursor.GetGetter<int>(view.Schema["Number"]);
        var key = cursor.GetGetter<ushort>(view.Schema["Key16"]);
        var (n, k, seen) = (0, (ushort)0, 0);
        for (; cursor.MoveNext(); seen++)
        {
            number(ref n);
            key(ref k);
            Assert.Equal(n % 700 + 1, k);
        }
        Assert.Equal(Count, seen);
    }
}
