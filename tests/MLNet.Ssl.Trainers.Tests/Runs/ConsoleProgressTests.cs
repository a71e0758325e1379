namespace MLNet.Ssl.Tests;

public class ConsoleProgressTests
{
    [Fact]
    public void ATerminalHasABarInOneLine()
    {
        var output = new StringWriter();
        var console = new ConsoleProgress(output, () => 120);
        Show(console, steps: [1, 50, 100]);
        string[] parts = output.ToString().Split('\r');
        Assert.Contains("epoch 1/2  loss 2.500  321 rows/s", parts[1], StringComparison.Ordinal);
        Assert.Contains("━━━", parts[2], StringComparison.Ordinal);
        Assert.Contains("100%", parts[3], StringComparison.Ordinal);
        Assert.EndsWith(Environment.NewLine, output.ToString(), StringComparison.Ordinal);
        Assert.Single(output.ToString().Split('\n')[..^1]);
        Assert.All(parts[1..], part => Assert.InRange(part.TrimEnd().Length, 1, 119));
    }

    [Fact]
    public void ANarrowTerminalIsNotOverrun()
    {
        var output = new StringWriter();
        Show(new ConsoleProgress(output, () => 20), steps: [1]);
        Assert.Equal(19, output.ToString().Split('\r')[1].TrimEnd('\n', '\r').Length);
    }

    [Fact]
    public void APipeHasLines()
    {
        var output = new StringWriter();
        Show(new ConsoleProgress(output, null), steps: [1, 25, 50, 75, 100]);
        string[] lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.DoesNotContain('\r', output.ToString().Replace("\r\n", "\n", StringComparison.Ordinal));
        Assert.StartsWith("The first step is done: loss 2.500, 321 rows/s; about 1 min 30 s", lines[0],
            StringComparison.Ordinal);
        Assert.StartsWith("Epoch 1 of 2, step 50 of 100", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("Epoch 2 of 2, step 100 of 100", lines[2], StringComparison.Ordinal);
        Assert.Equal(3, lines.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARunIsShownWithItsNetworkAndItsWarnings(bool terminal)
    {
        var output = new StringWriter();
        var options = SmallRuns.Of("SimCLR, LARS") with
        {
            Progress =
            new ProgressGroup(new ConsoleProgress(output, terminal ? () => 100 : null))
        };
        SmallRuns.Train(options);
        string text = output.ToString();
        Assert.Contains("Pretraining with SimCLR: ResNet of 1 blocks, width 8, small stem of stride 2, 8 features",
            text, StringComparison.Ordinal);
        Assert.Contains("warning: ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("System.Int32", text, StringComparison.Ordinal);
        Assert.Equal(terminal, text.Contains('━', StringComparison.Ordinal));
        // Each line once, also that of the first step, which the run tells and the progress could.
        Assert.Equal(terminal ? 0 : 1, text.Split("Epoch 3 of 3").Length - 1);
    }

    [Fact]
    public void AnInterruptedBarLeavesTheCursorInALineOfItsOwn()
    {
        var output = new StringWriter();
        using var cancel = new CancellationTokenSource();
        var console = new ConsoleProgress(output, () => 100);
        var options = SmallRuns.Of("SimCLR, LARS") with
        {
            CancellationToken = cancel.Token,
            Progress = new ProgressGroup(console, new Collect(_ => cancel.Cancel()))
        };
        Assert.Throws<OperationCanceledException>(() => SmallRuns.Train(options));
        Assert.EndsWith(Environment.NewLine, output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "1.0 s")]
    [InlineData(59, "59 s")]
    [InlineData(125, "2 min 5 s")]
    [InlineData(11_400, "3 h 10 min")]
    [InlineData(187_200, "2 d 4 h")]
    public void DurationsHaveTwoUnits(double seconds, string expected) =>
        Assert.Equal(expected, ProgressLines.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void OfManyEpochsEveryTenthIsTold()
    {
        Assert.Equal(100, Enumerable.Range(1, 5000).Count(step => ProgressLines.EndsToldEpoch(step, 5000, 1000)));
        Assert.Equal(30, Enumerable.Range(1, 300).Count(step => ProgressLines.EndsToldEpoch(step, 300, 30)));
        Assert.True(ProgressLines.EndsToldEpoch(1313, 1313, 1313));
    }

    [Theory]
    [InlineData(0.2, true)]
    [InlineData(0.01, false)]
    public void WaitingForDataIsTold(double wait, bool isTold)
    {
        foreach (int? width in new int?[] { null, 120 })
        {
            var output = new StringWriter();
            var console = new ConsoleProgress(output, width is { } columns ? () => columns : null);
            console.Report(new(100, 100, 2, 2, 2.5, 0.1, 321, wait, TimeSpan.FromSeconds(90), 1, null));
            Assert.Equal(isTold, output.ToString().Contains("20 % waiting for data"));
        }
    }

    private static void Show(ConsoleProgress console, int[] steps)
    {
        foreach (int step in steps)
            console.Report(new(step, 100, step <= 50 ? 1 : 2, 2, 2.5, 0.1, 321, 0, TimeSpan.FromSeconds(90), 1, null));
    }
}
