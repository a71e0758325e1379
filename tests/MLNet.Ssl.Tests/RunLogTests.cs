using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>What a program that listens to <c>ml.Log</c> hears, and how results print.</summary>
public class RunLogTests
{
    [Fact]
    public void ARunIsNeverSilent()
    {
        var ml = new MLContext(1);
        var lines = new List<string>();
        ml.Log += (_, line) =>
        {
            if (line.Source.StartsWith("Pretrain", StringComparison.Ordinal)) lines.Add(line.RawMessage);
        };
        var random = new Random(1);
        var rows = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 200)
            .Select(_ => new Row { Features = [.. Enumerable.Range(0, 6).Select(_ => random.NextSingle())] }));
        ml.SelfSupervised().Pretrain("Embedding", "Features", new SimClrOptions { Epochs = 3 }).Fit(rows).Dispose();
        string[] expected =
        [
            "Column 'Features' is read.", "200 rows of column 'Features' were read",
            "SimCLR: Backbone = MLP of 256, 256, 512, 512, 256 features",
            "BatchSize = 48", "is done: loss", "Epoch 1 of 3", "Epoch 2 of 3", "Epoch 3 of 3", "The run is at its end",
        ];
        int at = 0;
        foreach (string text in expected)
        {
            int found = lines.FindIndex(at, line => line.Contains(text, StringComparison.Ordinal));
            Assert.True(found >= 0, $"'{text}' is not there:\n{string.Join('\n', lines)}");
            at = found;
        }
        Assert.DoesNotContain(lines, line => line.Contains("System.", StringComparison.Ordinal));
    }

    /// <summary>The compiler's own text of a record has the type's name in the place of a list.</summary>
    [Fact]
    public void EveryPublicRecordWithAListPrintsIt()
    {
        var records = new[] { typeof(TrainingOptions), typeof(LinearEvaluation) }.SelectMany(type =>
            type.Assembly.GetExportedTypes())
            .Where(type => !type.IsAbstract && type.GetMethod("<Clone>$") is not null);
        var silent = records.Where(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Any(property => property.PropertyType != typeof(string)
                    && typeof(IEnumerable).IsAssignableFrom(property.PropertyType)))
            .Where(type => type.GetMethod("ToString", Type.EmptyTypes)!.IsDefined(typeof(CompilerGeneratedAttribute),
                inherit: false));
        Assert.Equal("", string.Join(" ", silent.Select(type => type.Name)));
    }

    [Fact]
    public void ListsArePrintedWithTheirContents()
    {
        Assert.Equal("RetrievalGroundTruth { Easy = [1, 2], Hard = [], Junk = [3] }",
            RetrievalGroundTruth.Of([1, 2], 3).ToString());
        var truth = RetrievalGroundTruth.Of([.. Enumerable.Range(0, 20)]);
        Assert.Contains("8, 9, … 20 in all]", truth.ToString(), StringComparison.Ordinal);
        Assert.Contains("Layers = [0, 1]", new IMixOptions { Layers = [0, 1] }.ToString(), StringComparison.Ordinal);
        Assert.Equal("ResNet-18, small stem, 512 features", ResNetOptions.ResNet18(ResNetStem.Small).ToString());
    }

    private sealed class Row
    {
        [VectorType(6)]
        public float[] Features { get; set; } = [];
    }
}
