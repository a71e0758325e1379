using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public class SchedulesTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void MoCoV3MatchesTheOfficialCode()
    {
        var golden = Golden.Load("moco_v3_schedules");
        var p = golden.Params;
        int Int(string key) => p.GetProperty(key).GetInt32();
        int epochs = Int("epochs"), warmup = Int("warmup_epochs"), perEpoch = Int("iters_per_epoch");
        double rate = p.GetProperty("base_lr").GetDouble() * p.GetProperty("batch_size").GetInt32() / 256;
        var times = Enumerable.Range(0, epochs * perEpoch)
            .Select(step => new StepClock(step, perEpoch, epochs).FractionalEpoch).ToArray();
        golden.Expected("lr")
            .AssertValues([.. times.Select(t => Schedules.MoCoV3(t, epochs, warmup, rate))], 1e-9, "lr");
        double momentum = p.GetProperty("moco_m").GetDouble();
        golden.Expected("momentum")
            .AssertValues([.. times.Select(t => Schedules.MomentumCosine(t, epochs, momentum))], 1e-9, "momentum");
        var grid = p.GetProperty("pos_embed");
        int height = grid.GetProperty("grid_h").GetInt32(), width = grid.GetProperty("grid_w").GetInt32(),
            dim = grid.GetProperty("embed_dim").GetInt32();
        // The official table runs through its columns first; on the square grids of a transformer that is the row.
        using var scope = NewDisposeScope();
        var table = tensor(SinCosPositions.Table(width, height, dim), [1, 1 + height * width, dim]);
        golden.Expected("sincos_pos_embed").AssertClose(table, 1e-6, "sincos_pos_embed");
    }

    [Fact]
    public void TheMoCoV3TransformerHasTheFixedTableAndItsOwnWeights()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var options =
            VisionTransformerOptions.MoCoV3Small(4) with { ImageSize = 16, EmbeddingDimension = 24, Depth = 1 };
        using var network = options.Create(generator);
        var parameters = network.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        Assert.Equal(12, options.Heads);
        Assert.False(parameters["pos_embed"].requires_grad);
        Assert.True(tensor(SinCosPositions.Table(4, 4, 24), [1, 17, 24]).allclose(parameters["pos_embed"]));
        Assert.Equal(0f, parameters["patch_embed.proj.bias"].abs().max().ToSingle());
        AssertUniform(parameters["patch_embed.proj.weight"], Math.Sqrt(6.0 / (3 * 16 + 24)));
        AssertUniform(parameters["blocks.0.attn.qkv.weight"], Math.Sqrt(6.0 / 48));
        AssertUniform(parameters["blocks.0.mlp.fc1.weight"], Math.Sqrt(6.0 / (24 + 96)));
    }

    private static void AssertUniform(Tensor weight, double bound) =>
        Assert.InRange(weight.abs().max().ToSingle(), 0.95 * bound, bound);

    [Property(MaxTest = 50)]
    public void IMixWarmsUpToTheCosineOfItsEnd(byte epochSeed, byte stepSeed)
    {
        int epochs = 20 + epochSeed, perEpoch = 1 + stepSeed % 20, warmup = 5;
        double Rate(long step) => Schedules.IMix(step, perEpoch, epochs, warmup, 0.5);
        double end = 0.0005 + 0.5 * (0.5 - 0.0005) * (1 + Math.Cos(Math.PI * warmup / epochs));
        Assert.Equal(end / (warmup * perEpoch), Rate(0), 12);
        Assert.Equal(end, Rate(warmup * perEpoch - 1), 12);
        Assert.Equal(Schedules.EpochCosine(warmup, epochs, 0.5), Rate(warmup * perEpoch), 12);
        Assert.Equal(Rate(warmup * perEpoch), Rate((warmup + 1) * perEpoch - 1), 12);
    }

    [Fact]
    public void StepDecayDividesByTenAtEveryMilestone()
    {
        int[] milestones = [120, 160];
        Assert.Equal([1, 1, 0.1, 0.1, 0.01],
            new[] { 0, 119, 120, 159, 160 }.Select(e => Math.Round(Schedules.StepDecay(e, milestones, 1), 12)));
    }
}
