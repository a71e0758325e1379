namespace MLNet.Ssl.Tests;

/// <summary>Steps on a device that is not the processor mix no tensors of the two, and wait for nothing.</summary>
[Collection(nameof(PretendDevice))]
public class AcceleratorStepTests
{
    // Past the first step, in which what later ones ask for is not known yet.
    private const int Steps = 3;

    private static readonly Dictionary<string, PretrainOptions> More = new()
    {
        ["DINO, KoLeo, rotary positions"] = (DinoOptions)SmallRuns.All["DINO in shards"] with
        {
            KoLeoWeight = 0.1,
            Centering = DinoCentering.SinkhornKnopp,
            Backbone = SmallRuns.Vit with { RotaryPositions = true, Registers = 2, SwiGlu = true, LayerScale = 0.1 },
        },
    };

    public static TheoryData<string, Precision> Runs
    {
        get
        {
            var data = new TheoryData<string, Precision>();
            foreach (string name in SmallRuns.All.Keys.Concat(More.Keys))
                foreach (var precision in new[] { Precision.Float32, Precision.BFloat16 }) data.Add(name, precision);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void AStepMixesNoDevicesAndWaitsForNothing(string name, Precision precision)
    {
        var found = new List<string>();
        var options = More.GetValueOrDefault(name) ?? SmallRuns.Of(name);
        FirstSteps.Of(options with { Epochs = 3, Seed = 5, Precision = precision, LearningRate = 1e-3 }, Steps,
            PretendDevice.Device, step => found.AddRange(PretendDevice.Watch(step)));
        Assert.True(found.Count == 0, string.Join("\n", found.Distinct()));
    }
}
