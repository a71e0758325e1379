using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Compat.Tests;

public class DataEnvironmentTests
{
    private static int Draw(MLContext ml, string name, int? seed = null) => ((IHostEnvironment)ml).Register(name, seed).Rand.Next();

    [Fact]
    public void RandomnessFollowsFromTheSeedAndTheOrderOfRegistration()
    {
        var (a, b) = (new MLContext(1), new MLContext(1));
        int[] first = [Draw(a, "x"), Draw(a, "y")], second = [Draw(b, "other"), Draw(b, "names")];
        Assert.Equal(first, second);
        Assert.NotEqual(first[0], first[1]);
        Assert.NotEqual(first[0], Draw(new MLContext(2), "x"));
        Assert.NotEqual(Draw(new MLContext(), "x"), Draw(new MLContext(), "x"));
    }

    [Fact]
    public void ASeedOfItsOwnMakesAHostIndependentOfOrder()
    {
        var ml = new MLContext(1);
        var early = Draw(ml, "x", 7);
        Draw(ml, "y");
        Assert.Equal(early, Draw(ml, "z", 7));
    }

    [Fact]
    public void MessagesReachTheLogAtOnceWithTheirSource()
    {
        var ml = new MLContext();
        var events = new List<LoggingEventArgs>();
        ml.Log += (_, e) => events.Add(e);
        using (var channel = ((IHostEnvironment)ml).Register("Embed").Start("Fit"))
        {
            channel.Info(MessageSensitivity.None, "epoch {0}", 3);
            var info = events[^1];
            Assert.Equal(("Embed; Fit", ChannelMessageKind.Info, "epoch 3"), (info.Source, info.Kind, info.RawMessage));
            Assert.Contains("Embed; Fit", info.Message);
            Assert.Contains("epoch 3", info.Message);
            channel.Warning(MessageSensitivity.None, "braces {} stay without arguments");
        }
        var warning = Assert.Single(events, e => e.Kind == ChannelMessageKind.Warning);
        Assert.Equal("braces {} stay without arguments", warning.RawMessage);
    }

    [Fact]
    public void OptionsOfAContextAreKeptByName()
    {
        var ml = new MLContext();
        Assert.Null(ml.GpuDeviceId);
        Assert.False(ml.FallbackToCpu);
        Assert.True(ml.TryAddOption("Size", 3));
        Assert.False(ml.TryAddOption("Size", 4));
        ml.SetOption("Size", 5);
        Assert.True(ml.TryGetOption("Size", out int size));
        Assert.Equal(5, size);
        Assert.True(ml.RemoveOption("Size"));
        Assert.Equal(0, ml.GetOptionOrDefault<int>("Size"));
    }

    [Fact]
    public void ProgressChannelsLeadNowhere()
    {
        var ml = new MLContext();
        var messages = 0;
        ml.Log += (_, _) => messages++;
        using var progress = ((IHostEnvironment)ml).Register("x").StartProgressChannel("Epochs");
        progress.SetHeader(new ProgressHeader(["loss"], ["epochs"]), _ => { });
        progress.Checkpoint(1, 2);
        Assert.Equal(0, messages);
    }
}
