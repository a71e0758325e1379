using System.CommandLine;
using System.Diagnostics;

namespace EmbeddingService;

/// <summary>Asks a service as fast as it answers, with more and more clients at a time, and
/// says how long answers took.</summary>
internal static class LoadTest
{
    public static Command Command()
    {
        var url = new Option<string>("--url")
        {
            Description = "Where the service is",
            DefaultValueFactory = _ => "http://127.0.0.1:5080"
        };
        var image = new Option<string>("--image") { Description = "The image that is sent", Required = true };
        var seconds = new Option<double>("--seconds")
        {
            Description = "How long each number of clients asks",
            DefaultValueFactory = _ => 5
        };
        var clients = new Option<int[]>("--clients")
        {
            Description = "Clients at a time",
            DefaultValueFactory = _ => [1, 2, 4, 8, 16, 32, 64],
            AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command("load", "Measures a service that runs: throughput, and how long answers take.") { url,
            image, seconds, clients };
        command.SetAction(async (options, cancelled) =>
        {
            byte[] bytes = await File.ReadAllBytesAsync(options.GetValue(image)!, cancelled);
            using var client = new HttpClient { BaseAddress = new(options.GetValue(url)!) };
            await AskAsync(client, bytes, 4, TimeSpan.FromSeconds(1), cancelled);
            Console.WriteLine("| clients | answers/s | p50 ms | p99 ms | refused |\n|---|---|---|---|---|");
            foreach (int count in options.GetValue(clients)!)
            {
                var time = TimeSpan.FromSeconds(options.GetValue(seconds));
                var (answered, refused, elapsed) = await AskAsync(client, bytes, count, time, cancelled);
                if (answered.Length == 0)
                    throw new InvalidOperationException($"None of {refused} requests was answered.");
                double rate = answered.Length / elapsed.TotalSeconds;
                Console.WriteLine(FormattableString.Invariant(
                    $"| {count} | {rate:0} | {At(answered, 0.5):0.0} | {At(answered, 0.99):0.0} | {refused} |"));
            }
        });
        return command;
    }

    private static double At(double[] sorted, double share) =>
        sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];

    private static async Task<(double[] Milliseconds, int Refused, TimeSpan Elapsed)> AskAsync(
        HttpClient client, byte[] image, int clients, TimeSpan time, CancellationToken cancelled)
    {
        var answered = new List<double>();
        int refused = 0;
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(
            async () =>
            {
                while (Stopwatch.GetElapsedTime(start) < time)
                {
                    long sent = Stopwatch.GetTimestamp();
                    using var answer = await client.PostAsync("embed", new ByteArrayContent(image), cancelled);
                    await answer.Content.ReadAsByteArrayAsync(cancelled);
                    double milliseconds = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
                    if (!answer.IsSuccessStatusCode) Interlocked.Increment(ref refused);
                    else lock (answered) answered.Add(milliseconds);
                }
            }, cancelled)));
        var elapsed = Stopwatch.GetElapsedTime(start);
        answered.Sort();
        return ([.. answered], refused, elapsed);
    }
}
