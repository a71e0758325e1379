using System.Globalization;

namespace MLNet.Ssl.Tests;

public class CollapseAlarmTests
{
    [Fact]
    public void AHealthyRunRaisesNoAlarm()
    {
        var alarm = new CollapseAlarm();
        for (int step = 1; step <= 100; step++) Assert.Null(alarm.Check(At(step, 0.7, 0.6)));
    }

    [Theory]
    [InlineData(0.01, 0.6, "LearningRate")]
    [InlineData(0.7, 0.9999, "Lower TeacherTemperature")]
    [InlineData(0.7, 0.0001, "Raise TeacherTemperature")]
    public void ACollapseIsNamedOnceWithWhatToChange(double std, double entropy, string advice)
    {
        var alarm = new CollapseAlarm();
        var warnings = Enumerable.Range(1, 100).Select(step => alarm.Check(At(step, std, entropy))).OfType<string>()
            .ToList();
        Assert.Contains(advice, Assert.Single(warnings));
    }

    [Fact]
    public void MessagesHaveTheSameNumbersUnderACultureOfCommas()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = "," } };
            var alarm = new CollapseAlarm();
            Assert.Contains("0.010", Enumerable.Range(1, 100).Select(step => alarm.Check(At(step, 0.01, null)))
                .OfType<string>().Single());
            Assert.Contains("is -0.5; ",
                Assert.Throws<ArgumentOutOfRangeException>(() => Check.Positive(-0.5, "Rate")).Message);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void TheFirstTenthOfARunIsLeftAlone()
    {
        var alarm = new CollapseAlarm();
        for (int step = 1; step < 10; step++) Assert.Null(alarm.Check(At(step, 0, 1)));
    }

    [Fact]
    public void OneBadReportIsNoCollapse()
    {
        var alarm = new CollapseAlarm();
        for (int step = 20; step < 60; step++) Assert.Null(alarm.Check(At(step, step % 2 == 0 ? 0.01 : 0.7, null)));
    }

    private static TrainingProgress At(long step, double std, double? entropy) =>
        new(step, 100, 1, 1, 1, 0.1, 100, 0, TimeSpan.Zero, std, entropy);
}
