namespace MLNet.Ssl.Tests;

/// <summary>Real data sets, found through MLNETSSL_DATA; a test without them skips and says so.</summary>
public static class RealData
{
    public static string Path(string relative)
    {
        var folder = Environment.GetEnvironmentVariable("MLNETSSL_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "MLNETSSL_DATA is not set: no real data");
        var path = System.IO.Path.Combine(folder!, relative);
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"MLNETSSL_DATA has no {relative}");
        return path;
    }
}
