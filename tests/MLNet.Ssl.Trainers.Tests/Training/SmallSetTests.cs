namespace MLNet.Ssl.Tests;

/// <summary>Runs on few rows: batches, networks and warnings.</summary>
public class SmallSetTests
{
    [Theory]
    [InlineData(500, 256, 1, 2, 244)]
    [InlineData(500, 125, 1, 4, 0)]
    [InlineData(100, 32, 1, 3, 0)]
    [InlineData(104, 32, 1, 4, 8)]
    [InlineData(500, 256, null, 1, 0)]
    [InlineData(500, 256, 8, 2, 240)]
    [InlineData(9, 4, 1, 2, 0)]
    [InlineData(10, 4, 1, 3, 2)]
    public void APartialBatchOfAQuarterOrMoreIsUsed(int rows, int batch, int? multiple, int steps, int partial)
    {
        var batches = EpochBatches.Of(rows, batch, multiple);
        Assert.Equal((steps, partial), (batches.Steps, batches.Partial));
        var parts = Enumerable.Range(0, steps).Select(batches.Step).ToList();
        Assert.All(parts, part => Assert.InRange(part.First + part.Count, 1, rows));
        Assert.Equal(rows / batch * batch + partial, parts.Sum(part => part.Count));
    }

    public static TheoryData<string, bool> Methods => new()
    {
        { "DINO in shards", true },
        { "DINO, SDMP", true },
        { "DINO, ResNet, batch norm in the head", true },
        { "MoCo v2, i-Mix", false },
        { "MoCo v3, SDMP", true },
        { "SimCLR, LARS", true },
        { "BYOL", true },
        { "table: MoCo, i-Mix, InputMix", false },
        { "table: N-pair, i-Mix", true },
        { "table: BYOL", true },
        { "table: MoCo v3", true },
    };

    /// <summary>24 rows are left of 56 in batches of 32.</summary>
    [Theory]
    [MemberData(nameof(Methods))]
    public void ThePartialBatchIsUsedWhereTheMethodCan(string method, bool can)
    {
        var reports = new List<TrainingProgress>();
        var options = SmallRuns.Of(method) with { BatchSize = 32, Epochs = 1, Progress = new Collect(reports.Add) };
        if (options is MoCoOptions moco) options = moco with { QueueLength = 32 };
        SmallRuns.Train(options, rows: 56);
        Assert.Equal(can ? 2 : 1, reports[^1].TotalSteps);
        Assert.True(double.IsFinite(reports[^1].Loss));
    }

    [Fact]
    public void FineTuningUsesAllRows()
    {
        var (images, labels) = Patterns.Draw(24, 1);
        using var encoder = Pretrainer.Fit(images, SmallRuns.Of("SimCLR, LARS") with { Epochs = 0 });
        var reports = new List<TrainingProgress>();
        var options = new FineTuneOptions { Epochs = 1, BatchSize = 16, Progress = new Collect(reports.Add) };
        FineTuner.Fit(images, labels, Patterns.Classes, encoder, options).Dispose();
        Assert.Equal(2, reports[^1].TotalSteps);
    }

    [Theory]
    [InlineData(500, 120)]
    [InlineData(50, 12)]
    [InlineData(5, 2)]
    [InlineData(5000, 256)]
    public void ABatchLeftAtAutoIsAQuarterOfTheRowsAtMost(int rows, int expected) =>
        Assert.Equal(expected, new SimClrOptions().For(new DataFacts(rows, 32, 2)).Settings.BatchSize);

    [Fact]
    public void AProcessorGetsASmallerNetworkThanAnAccelerator()
    {
        var photos = new DataFacts(5000, 1200, 2);
        Assert.Equal("ResNet-50, 2048 features; 224", Chosen(new SimClrOptions(), photos));
        var processor = photos with { IsOnProcessor = true };
        Assert.Equal("ResNet-18, 512 features; 96", Chosen(new SimClrOptions(), processor));
        Assert.StartsWith("ViT-Ti/16", Chosen(new DinoOptions(), processor), StringComparison.Ordinal);
        Assert.StartsWith("ViT-Ti/16", Chosen(new MoCoV3Options(), processor), StringComparison.Ordinal);
        Assert.Equal("ResNet-18, small stem, 512 features; 32",
            Chosen(new SimClrOptions(), processor with { MedianShorterSide = 32 }));
        Assert.Equal("ResNet-18, small stem of stride 2, 512 features; 64",
            Chosen(new SimClrOptions(), processor with { MedianShorterSide = 64 }));
        // What was given stays.
        Assert.Equal("ResNet-50, 2048 features; 224",
            Chosen(new SimClrOptions { Backbone = ResNetOptions.ResNet50() }, processor));
        Assert.EndsWith("; 160", Chosen(new SimClrOptions { ImageSize = 160 }, processor), StringComparison.Ordinal);

        static string Chosen(PretrainOptions options, DataFacts facts)
        {
            var settings = options.For(facts).Settings;
            return $"{settings.Backbone.Describe()}; {settings.ImageSize}";
        }
    }

    [Theory]
    [InlineData("SimCLR, LARS", "64 training images")]
    [InlineData("table: BYOL", "64 training rows")]
    public void FewRowsAreWarnedAbout(string method, string told)
    {
        Assert.Contains(Warnings(SmallRuns.Of(method) with { Epochs = 1 }), text =>
            text.Contains(told, StringComparison.Ordinal));
        Assert.Empty(Warnings(SmallRuns.Of(method) with { Epochs = 0 }));
        var simClr = new SimClrOptions();
        Assert.Null(MeasuredGains.Warning(simClr, new(500, 32, 2)));
        Assert.Contains("fewer than 500", MeasuredGains.Warning(simClr, new(499, 32, 2)));
        var table = new DataFacts(2_000, 0, 2) { Table = new(4, [0], []) };
        Assert.Null(MeasuredGains.Warning(new MaskedReconstructionOptions(), table));
        Assert.Contains("fewer than 15,120", MeasuredGains.Warning(new MoCoOptions(), table));

        static IEnumerable<string> Warnings(PretrainOptions options)
        {
            var log = new List<TrainingMessage>();
            SmallRuns.Train(options, log);
            return log.Where(m => m.IsWarning).Select(m => m.Text);
        }
    }
}
