namespace MLNet.Ssl.Fuzz;

/// <summary>A short run of each reader from a fixed seed; <c>./build.sh fuzz --minutes N</c> is the long one.</summary>
public class FuzzTests
{
    private static readonly TimeSpan Time =
        TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("MLNETSSL_FUZZ_SECONDS") ?? "6"));

    public static TheoryData<string> Readers => [.. Reader.All.Select(reader => reader.Name)];

    [Theory]
    [MemberData(nameof(Readers))]
    public void WhateverTheBytesTheFileIsReadOrRefused(string reader)
    {
        var result = Watch.Over(Reader.Named(reader), seed: 1, Time);
        Assert.True(result.Failure is null, result.Failure);
        // Some of both, or the mutations test nothing.
        Assert.InRange(result.Refused, result.Files / 10, result.Files - 1);
    }

    [Theory]
    [InlineData("hangs", "it takes more than")]
    [InlineData("hoards", "MiB")]
    [InlineData("throws", "FormatException")]
    [InlineData("dies", "ended with")]
    [InlineData("allocates", "bytes of memory in all")]
    public void AReaderThatFailsIsCaught(string reader, string told)
    {
        var result = Watch.Over(Reader.Named(reader), seed: 7, TimeSpan.FromSeconds(30));
        Assert.Contains(told, result.Failure);
        Assert.Contains("seed 8, kept as", result.Failure);
        string kept = result.Failure!.Split("kept as ")[1].Split(": ")[0];
        Assert.Equal(Reader.Named(reader).Damaged(8), File.ReadAllBytes(kept));
        File.Delete(kept);
    }
}
