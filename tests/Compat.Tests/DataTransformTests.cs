using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using static Microsoft.ML.Transforms.MissingValueReplacingEstimator;
using static Microsoft.ML.Transforms.ValueToKeyMappingEstimator;

namespace Compat.Tests;

public class DataTransformTests
{
    private readonly MLContext _ml = new(seed: 1);

    private sealed class Row
    {
        public float X { get; set; }
        [VectorType(2)] public float[] V { get; set; } = [0, 0];
        public string Word { get; set; } = "";
        public float[] Any { get; set; } = [];
    }

    private IDataView Data(params Row[] rows) => _ml.Data.LoadFromEnumerable(rows);

    private static IDataView Run(IEstimator<ITransformer> estimator, IDataView data)
    {
        var output = estimator.Fit(data).Transform(data);
        // What is promised before training must hold afterwards.
        var promised = estimator.GetOutputSchema(DataChainTests.ShapeOf(data.Schema));
        Assert.Equal(Described(DataChainTests.ShapeOf(output.Schema)), Described(promised));
        return output;
    }

    private static IEnumerable<string> Described(SchemaShape shape)
        => shape.Select(c => $"{c.Name} {c.Kind} {c.ItemType} {c.IsKey} {string.Join(',', c.Annotations.Select(a => a.Name).Order())}").Order();

    private static string[] SlotNames(IDataView data, string column)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        data.Schema[column].GetSlotNames(ref names);
        return [.. names.DenseValues().Select(n => n.ToString())];
    }

    [Fact]
    public void ConcatenateJoinsScalarsAndVectorsAndNamesTheSlots()
    {
        var data = Run(_ml.Transforms.Concatenate("All", "X", "V"), Data(new Row { X = 1, V = [2, 3] }));
        Assert.Equal([1f, 2, 3], data.GetColumn<float[]>("All").Single());
        Assert.Equal(["X", "", ""], SlotNames(data, "All"));
        var twice = Run(_ml.Transforms.Concatenate("All2", "All", "X"), data);
        Assert.Equal(["X", "", "", "X"], SlotNames(twice, "All2"));
    }

    [Fact]
    public void ConcatenateOfUnknownLengthsIsOfUnknownLength()
    {
        var data = Run(_ml.Transforms.Concatenate("All", "Any", "X"), Data(new Row { X = 1, Any = [5, 6, 7] }));
        Assert.Equal("VarVector<Single>", data.Schema["All"].Type.ToString());
        Assert.Equal([5f, 6, 7, 1], data.GetColumn<float[]>("All").Single());
    }

    [Fact]
    public void ConcatenateOfOneVectorPassesItsAnnotationsOn()
    {
        var data = Run(_ml.Transforms.NormalizeMinMax("V").Append(_ml.Transforms.Concatenate("All", "V")),
            Data(new Row { V = [2, 3] }, new Row { V = [4, 4] }));
        Assert.True(data.Schema["All"].IsNormalized());
    }

    [Fact]
    public void ConcatenateRefusesMixedTypes()
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Concatenate("All", "X", "Word").Fit(Data(new Row())));
        Assert.Contains("'Word'", error.Message);
        Assert.Contains("String", error.Message);
    }

    [Fact]
    public void CopyKeepsAnnotationsAndSelectionsAndDropsRemoveColumns()
    {
        var keyed = Run(_ml.Transforms.Conversion.MapValueToKey("Word").Append(_ml.Transforms.CopyColumns("Copy", "Word")), Data(new Row { Word = "a" }));
        Assert.True(keyed.Schema["Copy"].HasKeyValues());
        Assert.Equal(["X", "V", "Any", "Copy"], Run(_ml.Transforms.DropColumns("Word"), keyed).Schema.Select(c => c.Name));
        Assert.Equal(["Copy", "X"], Run(_ml.Transforms.SelectColumns("Copy", "X"), keyed).Schema.Select(c => c.Name));
        Assert.Equal(3, _ml.Transforms.SelectColumns(["Word", "X"], keepHidden: true).Fit(keyed).Transform(keyed).Schema.Count);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.CopyColumns("Y", "Nowhere").Fit(keyed));
        Assert.Contains("Could not find input column 'Nowhere'", error.Message);
    }

    private static readonly float[] Sample = [1, 2, float.NaN, -6];

    private float[] Normalized(Func<TransformsCatalog, IEstimator<ITransformer>> estimator)
        => [.. Run(estimator(_ml.Transforms), Data([.. Sample.Select(x => new Row { X = x })])).GetColumn<float>("X")];

    private static void AssertClose(double[] expected, float[] actual)
        => Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-6));

    [Fact]
    public void MinMaxScalesAndLeavesNaN()
    {
        AssertClose([1 / 6.0, 2 / 6.0, double.NaN, -1], Normalized(t => t.NormalizeMinMax("X")));
        AssertClose([7 / 8.0, 1, double.NaN, 0], Normalized(t => t.NormalizeMinMax("X", fixZero: false)));
    }

    [Fact]
    public void MeanVarianceIsOfThePopulation()
    {
        var (mean, variance) = (-1.0, (4 + 9 + 25) / 3.0);
        double[] Expected(double offset, double scale) => [.. Sample.Select(x => (x - offset) * scale)];
        AssertClose(Expected(0, 1 / Math.Sqrt(variance + mean * mean)), Normalized(t => t.NormalizeMeanVariance("X")));
        AssertClose(Expected(mean, 1 / Math.Sqrt(variance)), Normalized(t => t.NormalizeMeanVariance("X", fixZero: false)));
    }

    [Fact]
    public void TheCdfOfTheMeanIsOneHalf()
    {
        var data = Data(new Row { X = -1 }, new Row { X = 0 }, new Row { X = 1 });
        var values = Run(_ml.Transforms.NormalizeMeanVariance("X", useCdf: true), data).GetColumn<float>("X").ToArray();
        AssertClose([0.110336, 0.5, 0.889664], values);
    }

    [Fact]
    public void EverySlotHasItsOwnScaleAndAConstantOneIsZero()
    {
        var data = Run(_ml.Transforms.NormalizeMinMax("N", "V", fixZero: false), Data(new Row { V = [2, 5] }, new Row { V = [6, 5] }));
        Assert.Equal([[0f, 0], [1f, 0]], data.GetColumn<float[]>("N"));
        Assert.True(data.Schema["N"].IsNormalized());
        Assert.False(data.Schema["V"].IsNormalized());
    }

    [Fact]
    public void OnlyTheFirstExamplesAreLookedAt()
    {
        var data = Data(new Row { X = 1 }, new Row { X = 2 }, new Row { X = 8 });
        Assert.Equal([0.5f, 1, 4], Run(_ml.Transforms.NormalizeMinMax("X", maximumExampleCount: 2), data).GetColumn<float>("X"));
    }

    [Fact]
    public void NormalizersWantRealsOfKnownSize()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.NormalizeMinMax("Any").Fit(Data(new Row())));
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.NormalizeMinMax("Word").Fit(Data(new Row())));
        Assert.Contains("Schema mismatch for input column 'Word': expected", error.Message);
        Assert.Contains("got String", error.Message);
    }

    [Theory]
    [InlineData(ReplacementMode.DefaultValue, 0, 0)]
    [InlineData(ReplacementMode.Mean, 3, 10)]
    [InlineData(ReplacementMode.Minimum, 1, 10)]
    [InlineData(ReplacementMode.Maximum, 7, 10)]
    [InlineData(ReplacementMode.Mode, 1, 10)]
    public void MissingValuesAreReplacedSlotBySlot(ReplacementMode mode, float first, float second)
    {
        var data = Data(new Row { V = [1, float.NaN] }, new Row { V = [1, float.NaN] }, new Row { V = [7, 10] }, new Row { V = [float.NaN, float.NaN] });
        var rows = Run(_ml.Transforms.ReplaceMissingValues("V", replacementMode: mode), data).GetColumn<float[]>("V").ToArray();
        Assert.Equal([first, second], rows[3]);
        Assert.Equal([7f, 10], rows[2]);
    }

    [Fact]
    public void MissingValuesOfUnknownLengthAreReplacedByOneValue()
    {
        var data = Data(new Row { Any = [1, float.NaN, 5] });
        Assert.Equal([1f, 3, 5],
            Run(_ml.Transforms.ReplaceMissingValues("Any", replacementMode: ReplacementMode.Mean), data).GetColumn<float[]>("Any").Single());
        Assert.Equal([false, true, false], Run(_ml.Transforms.IndicateMissingValues("Any"), data).GetColumn<bool[]>("Any").Single());
    }

    [Fact]
    public void KeysFollowTheOrderOfOccurrenceOrOfValues()
    {
        var data = Data(new Row { Word = "b" }, new Row { Word = "" }, new Row { Word = "a" }, new Row { Word = "b" });
        Assert.Equal([1u, 0, 2, 1], Run(_ml.Transforms.Conversion.MapValueToKey("K", "Word"), data).GetColumn<uint>("K"));
        var sorted = Run(_ml.Transforms.Conversion.MapValueToKey("K", "Word", keyOrdinality: KeyOrdinality.ByValue), data);
        Assert.Equal([2u, 0, 1, 2], sorted.GetColumn<uint>("K"));
        Assert.Equal("Key<UInt32, 0-1>", sorted.Schema["K"].Type.ToString());
        VBuffer<ReadOnlyMemory<char>> values = default;
        sorted.Schema["K"].GetKeyValues(ref values);
        Assert.Equal(["a", "b"], values.DenseValues().Select(v => v.ToString()));
        Assert.Equal(["b", "", "a", "b"], Run(_ml.Transforms.Conversion.MapKeyToValue("Back", "K"), sorted).GetColumn<string>("Back"));
    }

    [Fact]
    public void UnseenAndTooManyValuesAreMissing()
    {
        var data = Data(new Row { Word = "a" }, new Row { Word = "b" });
        var model = _ml.Transforms.Conversion.MapValueToKey("Word", maximumNumberOfKeys: 1).Fit(data);
        Assert.Equal([1u, 0], model.Transform(data).GetColumn<uint>("Word"));
        Assert.Equal([0u], model.Transform(Data(new Row { Word = "c" })).GetColumn<uint>("Word"));
    }

    [Fact]
    public void NumbersAndVectorsMapToKeysAndMissingKeysToNaN()
    {
        var data = Run(_ml.Transforms.Conversion.MapValueToKey("K", "Any"), Data(new Row { Any = [5, float.NaN, 7, 5] }));
        Assert.Equal([1u, 0, 2, 1], data.GetColumn<uint[]>("K").Single());
        Assert.Equal([5f, float.NaN, 7, 5], Run(_ml.Transforms.Conversion.MapKeyToValue("K"), data).GetColumn<float[]>("K").Single());
        var asText = Run(_ml.Transforms.Conversion.MapValueToKey("K", "X", addKeyValueAnnotationsAsText: true), Data(new Row { X = 1.5f }));
        Assert.True(asText.Schema["K"].HasKeyValues(TextDataViewType.Instance));
        Assert.Equal(["1.5"], Run(_ml.Transforms.Conversion.MapKeyToValue("K"), asText).GetColumn<string>("K"));
    }

    private sealed class Word(string text)
    {
        public string Text => text;
    }

    [Fact]
    public void KeyDataFixTheKeys()
    {
        var keys = _ml.Data.LoadFromEnumerable([new Word("z"), new Word("a")]);
        var data = Run(_ml.Transforms.Conversion.MapValueToKey("K", "Word", keyData: keys, keyOrdinality: KeyOrdinality.ByValue),
            Data(new Row { Word = "a" }, new Row { Word = "q" }));
        Assert.Equal([2u, 0], data.GetColumn<uint>("K"));
        Assert.Equal("Key<UInt32, 0-1>", data.Schema["K"].Type.ToString());
    }

    [Fact]
    public void AColumnWithoutKeyValuesCannotBeMappedBack()
        => Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Conversion.MapKeyToValue("X").Fit(Data(new Row())));

    [Fact]
    public void TypesConvert()
    {
        var data = Data(new Row { X = 2.75f, Word = "3.5", V = [1, 300] });
        Assert.Equal([3.5f], Run(_ml.Transforms.Conversion.ConvertType("Word"), data).GetColumn<float>("Word"));
        Assert.Equal([2], Run(_ml.Transforms.Conversion.ConvertType("X", outputKind: DataKind.Int32), data).GetColumn<int>("X"));
        Assert.Equal([1.0, 300], Run(_ml.Transforms.Conversion.ConvertType("V", outputKind: DataKind.Double), data).GetColumn<double[]>("V").Single());
        Assert.Equal(["2.75"], Run(_ml.Transforms.Conversion.ConvertType("X", outputKind: DataKind.String), data).GetColumn<string>("X"));
        Assert.True(float.IsNaN(Run(_ml.Transforms.Conversion.ConvertType("Word"), Data(new Row { Word = "x" })).GetColumn<float>("Word").Single()));
    }

    [Fact]
    public void OneHotEncodingIndicatesTheKey()
    {
        var data = Data(new Row { Word = "b" }, new Row { Word = "a" }, new Row { Word = "" });
        var encoded = Run(_ml.Transforms.Categorical.OneHotEncoding("E", "Word"), data);
        Assert.Equal([[1f, 0], [0f, 1], [0f, 0]], encoded.GetColumn<float[]>("E"));
        Assert.Equal(["b", "a"], SlotNames(encoded, "E"));
        Assert.Equal([1u, 2, 0],
            Run(_ml.Transforms.Categorical.OneHotEncoding("E", "Word", OneHotEncodingEstimator.OutputKind.Key), data).GetColumn<uint>("E"));
    }

    [Fact]
    public void KeyVectorsBecomeCountsOrOneIndicatorASlot()
    {
        var keys = Run(_ml.Transforms.Conversion.MapValueToKey("K", "V"), Data(new Row { V = [5, 6] }, new Row { V = [6, 6] }));
        Assert.Equal([[1f, 1], [0f, 2]], Run(_ml.Transforms.Conversion.MapKeyToVector("K", outputCountVector: true), keys).GetColumn<float[]>("K"));
        Assert.Equal([[1f, 0, 0, 1], [0f, 1, 0, 1]], Run(_ml.Transforms.Conversion.MapKeyToVector("K"), keys).GetColumn<float[]>("K"));
    }

    private sealed class In
    {
        public float X { get; set; }
        public float[] V { get; set; } = [];
    }

    private sealed class Out
    {
        public float Sum { get; set; }
        public string Text { get; set; } = "";
        [KeyType(3)] public uint Key { get; set; }
    }

    [Fact]
    public void ACustomMappingAddsColumnsWithOneCallARow()
    {
        var calls = 0;
        var mapping = _ml.Transforms.CustomMapping<In, Out>((input, output) =>
        {
            calls++;
            (output.Sum, output.Text, output.Key) = (input.X + input.V.Sum(), $"x{input.X}", 1);
        }, contractName: null);
        var data = Run(mapping, Data(new Row { X = 1, V = [2, 3], Word = "kept" }, new Row { X = 4 }));
        Assert.Equal(0, calls);
        var preview = data.Preview();
        Assert.Equal(2, calls);
        Assert.Equal([6f, 4], data.GetColumn<float>("Sum"));
        Assert.Equal(["x1", "x4"], data.GetColumn<string>("Text"));
        Assert.Equal([2u, 2], data.GetColumn<uint>("Key"));
        Assert.Equal("kept", data.GetColumn<string>("Word").First());
        Assert.Equal(7, preview.Schema.Count);
    }

    [Fact]
    public void ACustomMappingChecksItsInput()
    {
        var mapping = _ml.Transforms.CustomMapping<Out, In>((_, _) => { }, contractName: null);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => mapping.GetOutputSchema(DataChainTests.ShapeOf(Data(new Row()).Schema)));
        Assert.Contains("'Sum'", error.Message);
    }

    [Fact]
    public void NothingIsComputedBeforeItIsAskedFor()
    {
        var seen = 0;
        var mapping = _ml.Transforms.CustomMapping<In, Out>((_, _) => seen++, contractName: null);
        var source = Data([.. Enumerable.Range(0, 50).Select(i => new Row { X = i })]);
        var data = mapping.Append(_ml.Transforms.CopyColumns("Y", "Sum")).Fit(source).Transform(source);
        _ = data.GetColumn<float>("X").ToArray();
        Assert.Equal(0, seen);
        _ = data.GetColumn<float>("Y").Take(3).ToArray();
        Assert.Equal(3, seen);
    }
}
