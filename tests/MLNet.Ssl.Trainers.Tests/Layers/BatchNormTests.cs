using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class BatchNormTests
{
    [Fact]
    public void TrainingNormalisesWithTheBatchAndRemembersIt()
    {
        using var scope = NewDisposeScope();
        using var layer = new BatchNorm(1);
        layer.train();
        var y = layer.call(tensor(new float[] { 1, 3 }, 2, 1));
        Assert.True(y.allclose(tensor(new float[] { -1, 1 }, 2, 1), 1e-4, 1e-4));
        var state = layer.state_dict();
        Assert.Equal(0.2f, state["running_mean"].item<float>(), 1e-6f);
        Assert.Equal(0.9f + 0.1f * 2, state["running_var"].item<float>(), 1e-6f);
        Assert.Equal(1, state["num_batches_tracked"].item<long>());
        layer.eval();
        Assert.Equal((3 - 0.2) / Math.Sqrt(1.1 + 1e-5), layer.call(tensor(new float[] { 3 }, 1, 1)).item<float>(),
            1e-5);
        Assert.Equal(1, layer.state_dict()["num_batches_tracked"].item<long>());
    }

    [Fact]
    public void InferenceAsksForNoRanks()
    {
        // Ranks that torchrun starts cannot meet: whoever asks for them is told so.
        var command = TrainingProcess.Command("statistics");
        foreach (string name in new[] { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK" })
            command.Environment.Remove(name);
        command.Environment["WORLD_SIZE"] = "2";
        TrainingProcess.MustSucceed(command);
    }

    /// <summary>In a process of several that cannot meet; 0 if inference works and training does not.</summary>
    internal static int Normalise()
    {
        using var scope = NewDisposeScope();
        using var layer = new BatchNorm(1);
        layer.eval();
        float value = layer.call(tensor(new float[] { 3 }, 1, 1)).item<float>();
        if (Math.Abs(value - 3) > 1e-4) return 2;
        layer.train();
        try
        {
            layer.call(tensor(new float[] { 1, 3 }, 2, 1));
            return 3;
        }
        catch (InvalidOperationException e) when (e.Message.Contains("WORLD_SIZE", StringComparison.Ordinal))
        {
            return 0;
        }
    }

    [Fact]
    public void ScaleAndShiftAreOptional()
    {
        using var neither = new BatchNorm(2, gamma: null, beta: false);
        using var scaleOnly = new BatchNorm(2, beta: false);
        Assert.Empty(neither.named_parameters());
        Assert.Equal(["weight"], scaleOnly.named_parameters().Select(p => p.name));
    }
}
