using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class DinoShardsTests
{
    [Fact]
    public void TheCentreMovesToTheMeanOfAllShards()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var random = ForwardRandom.Use(generator);
        var plan = SmallRuns.Of("DINO in shards").For(DataFacts.Of(Patterns.Draw(64, 1).Images));
        using var dino = (Dino)plan.CreateMethod(generator, CPU, 2);
        var means = new List<Tensor>();
        var clock = new StepClock(0, 4, 3);
        for (int shard = 0; shard < 2; shard++)
        {
            Tensor[] views =
                [.. new[] { 24, 24, 12, 12 }.Select(size => randn([8, 3, size, size], generator: generator))];
            using (no_grad()) means.Add(cat([.. views.Take(2).Select(dino.Teacher.call)], 0).mean([0], keepdim: true));
            dino.Forward(views, clock, shard);
        }
        var before = dino.Loss.Center.clone();
        dino.AfterStep(clock);
        var moved = (dino.Loss.Center - before * 0.9) / 0.1;
        float off = (means[0] - means[1]).abs().max().item<float>();
        Assert.True((moved - (means[0] + means[1]) / 2).abs().max().item<float>() < off / 100,
            "The centre is not that of both.");
    }
}
