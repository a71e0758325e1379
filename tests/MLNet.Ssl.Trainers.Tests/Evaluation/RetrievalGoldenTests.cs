using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public sealed class RetrievalGoldenTests
{
    private static readonly GoldenFile File = Golden.Load("retrieval_map");

    private static IReadOnlyList<RetrievalGroundTruth> GroundTruth()
    {
        var relation = File.Input("relation");
        var codes = File.Params.GetProperty("relation_codes").EnumerateObject()
            .ToDictionary(c => c.Value.GetString()!, c => long.Parse(c.Name));
        int width = (int)relation.Shape[1];
        return [.. relation.Longs.Chunk(width)
            .Select(row => new RetrievalGroundTruth(Rows(row, "easy"), Rows(row, "hard"), Rows(row, "junk")))];

        int[] Rows(long[] row, string name) => [.. Enumerable.Range(0, width).Where(i => row[i] == codes[name])];
    }

    [Fact]
    public void TheDatabaseIsRankedAsByTheOfficialCode()
    {
        using var scope = NewDisposeScope();
        var expected = File.Expected("ranks");
        int queries = (int)expected.Shape[1], visited = 0;
        Ranking.ForEachQuery(File.Input("query_features").ToTensor(), File.Input("train_features").ToTensor(),
            (query, similarities) =>
        {
            Assert.Equal(expected.Longs.Where((_, i) => i % queries == query),
                Ranking.Descending(similarities).Select(row => (long)row));
            visited++;
        });
        Assert.Equal(queries, visited);
    }

    [Theory]
    [InlineData(RetrievalProtocol.Medium, "M")]
    [InlineData(RetrievalProtocol.Hard, "H")]
    public void MeanAveragePrecisionAndPrecisionAreTheOfficialOnes(RetrievalProtocol protocol, string prefix)
    {
        using var scope = NewDisposeScope();
        int[] ks = [.. File.Params.GetProperty("ks").EnumerateArray().Select(k => k.GetInt32())];
        var metrics = RetrievalEvaluator.Evaluate(File.Input("query_features").ToTensor(),
            File.Input("train_features").ToTensor(), GroundTruth(), protocol, ks);

        File.Expected($"{prefix}.map").AssertValues([metrics.MeanAveragePrecision], 1e-6, "map");
        File.Expected($"{prefix}.aps").AssertValues([.. metrics.AveragePrecisions.Select(Defined)], 1e-6, "aps");
        File.Expected($"{prefix}.mean_precision_at_k")
            .AssertValues([.. ks.Select(k => metrics.MeanPrecisionAt[k])], 1e-6, "mean precision");
        var precisions = Enumerable.Range(0, metrics.AveragePrecisions.Count)
            .SelectMany(query => ks.Select(k => Defined(metrics.PrecisionsAt[k][query])));
        File.Expected($"{prefix}.precision_at_k").AssertValues([.. precisions], 1e-6, "precision");

        static double Defined(double value) => double.IsNaN(value) ? -1 : value;
    }

    [Fact]
    public void AveragePrecisionOfRanksIsTheOfficialOne()
    {
        var ranks = File.Input("ap_case_ranks");
        var positives = File.Input("ap_case_num_positives").Longs;
        double[] actual = [.. ranks.Longs.Chunk((int)ranks.Shape[1]).Zip(positives, (row, count) =>
            AveragePrecision.Trapezoid([.. row.Where(rank => rank >= 0).Select(rank => (int)rank)], (int)count))];
        string[] names = [.. File.ExpectedNames.Where(name => Regex.IsMatch(name, "ap"))];
        Assert.Equal(2, names.Count(name => name is "compute_ap" or "score_ap_from_ranks_1"));
        foreach (string name in names.Where(name => !name.Contains('.')))
            File.Expected(name).AssertValues(actual, 1e-6, name);
    }
}
