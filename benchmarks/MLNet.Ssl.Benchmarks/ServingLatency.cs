using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.Benchmarks;

/// <summary>How long a single prediction takes, with clients that ask at the same time,
/// by the encoder's threads.</summary>
internal static class ServingLatency
{
    private sealed class Photo
    {
        [ImageType(32, 32)]
        public MLImage? Image { get; set; }
    }

    private sealed class Answer
    {
        public float[] Embedding { get; set; } = [];
    }

    public static Command Command()
    {
        var seconds = new Option<double>("--seconds") { Description = "length of a row", DefaultValueFactory = _ => 5 };
        var busy = new Option<int>("--busy")
        {
            Description =
            "other threads that compute meanwhile, as another program's would",
            DefaultValueFactory = _ => 0
        };
        var command = new Command("latency",
            "Single predictions of a pool, by threads of the encoder and by clients.") { seconds, busy };
        command.SetAction(parsed =>
        {
            using var stop = new CancellationTokenSource();
            for (int i = 0; i < parsed.GetValue(busy); i++)
                new Thread(() => Spin(stop.Token)) { IsBackground = true }.Start();
            Console.WriteLine(
                "| network | threads | clients | p50, ms | p99, ms | predictions/s |\n|---|---|---|---|---|---|");
            foreach (var (name, size, backbone) in Networks())
            {
                using var encoder = Encoder(size, backbone);
                foreach (int threads in new[] { 1, Environment.ProcessorCount })
                    foreach (int clients in new[] { 1, 4 })
                    {
                        encoder.Encoder.Threads = threads;
                        Console.WriteLine($"| {name} | {threads} | {clients} | "
                            + $"{Measure(encoder, size, clients, parsed.GetValue(seconds))} |");
                    }
            }
            stop.Cancel();
        });
        return command;
    }

    private static (string Name, int Size, BackboneOptions Backbone)[] Networks() =>
    [
        ("ResNet-18, 32 px", 32, ResNetOptions.ResNet18(ResNetStem.Small)),
        ("ResNet-18, 224 px", 224, ResNetOptions.ResNet18()),
        ("ViT-S/16, 224 px", 224,
            new VisionTransformerOptions { PatchSize = 16, EmbeddingDimension = 384, Depth = 12, Heads = 6 }),
    ];

    private static EmbeddingTransformer Encoder(int size, BackboneOptions backbone)
    {
        var ml = new MLContext(1);
        var images =
            ml.Data.LoadFromEnumerable(Enumerable.Range(0, 2).Select(i => new Photo { Image = Image(size, i) }));
        return ml.SelfSupervised().Pretrain("Embedding", "Image",
            new SimClrOptions { Epochs = 0, ImageSize = size, Backbone = backbone }).Fit(images);
    }

    private static string Measure(EmbeddingTransformer encoder, int size, int clients, double seconds)
    {
        var ml = new MLContext(1);
        using var pool = ml.SelfSupervised().Model.CreatePredictionPool<Photo, Answer>(encoder);
        var times = new List<double>[clients];
        var clock = Stopwatch.StartNew();
        var threads = Enumerable.Range(0, clients).Select(client => new Thread(() =>
        {
            var own = times[client] = [];
            using var image = Image(size, client);
            for (int i = -5; clock.Elapsed.TotalSeconds < seconds; i++)
            {
                long start = Stopwatch.GetTimestamp();
                pool.Predict(new Photo { Image = image });
                if (i >= 0) own.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        double[] sorted = [.. times.SelectMany(time => time).Order()];
        return sorted.Length == 0 ? "– | – | –"
            : FormattableString.Invariant($"{sorted[sorted.Length / 2]:0.0} | ")
                + FormattableString.Invariant(
                    $"{sorted[(int)(0.99 * sorted.Length)]:0.0} | {sorted.Length / seconds:0}");
    }

    private static MLImage Image(int size, int seed)
    {
        var pixels = new byte[4 * size * size];
        new Random(seed).NextBytes(pixels);
        return MLImage.CreateFromPixels(size, size, MLPixelFormat.Rgba32, pixels);
    }

    private static void Spin(CancellationToken stop)
    {
        double sum = 0;
        while (!stop.IsCancellationRequested)
            for (int i = 1; i < 1_000_000; i++) sum += 1.0 / i;
        GC.KeepAlive(sum);
    }
}
