namespace MLNet.Ssl.Tests;

/// <summary>How far a run of few steps gets depends on its seed, and with which seed on the processor; a method that does
/// not learn gets nowhere with any.</summary>
internal static class SomeSeed
{
    private const int Seeds = 3;

    /// <summary>Asserts that a figure comes to a value at least, with one of three seeds.</summary>
    public static void Reaches(double least, int firstSeed, Func<int, double> figure)
    {
        var figures = new List<double>();
        do figures.Add(figure(firstSeed + figures.Count));
        while (figures[^1] < least && figures.Count < Seeds);
        Assert.True(figures[^1] >= least, FormattableString.Invariant(
            $"Seeds from {firstSeed} on: {string.Join(", ", figures)}; expected {least} of one."));
    }
}
