using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML;
using MLNet.Ssl.DataView;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Photos from disk: decoding and DINO's views from paths, from the cache and from memory,
/// and what a long list takes.</summary>
internal static class ImageLoading
{
    // DINO's published crops.
    private static readonly ViewRecipe[] Dino =
        [ViewRecipes.DinoGlobal1(), ViewRecipes.DinoGlobal2(), .. Enumerable.Repeat(ViewRecipes.DinoLocal(), 8)];

    private static readonly MLContext Ml = new(seed: 1);

    private const int BatchSize = 32;

    private sealed record Photo(string Path);

    private sealed record Rate(double images_per_second);

    private sealed record Memory(double peak_mib, double anonymous_mib, long steps, double images_per_second);

    public static IEnumerable<Command> Commands()
    {
        var photos = new Argument<string>("photos") { Description = "a folder of photos, searched with its folders" };
        var images = new Option<int>("--images") { Description = "photos of an epoch", DefaultValueFactory = _ => 512 };
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 3 };
        var threads = new Option<int>("--threads") { DefaultValueFactory = _ => 1 };
        var python = new Option<string?>("--python")
        {
            Description = "an interpreter that has torch and torchvision, whose DataLoader is run by turns",
        };
        var loading = new Command("images", "Images per second from paths, from the cache and from memory, by turns.")
        {
            photos, images, rounds, threads, python,
        };
        loading.SetAction(parsed => Load(parsed.GetValue(photos)!, parsed.GetValue(images), parsed.GetValue(rounds),
            parsed.GetValue(threads), parsed.GetValue(python)));
        yield return loading;

        var count = new Option<int>("--count")
        {
            Description = "photos of the long list, made of links",
            DefaultValueFactory = _ => 100_000
        };
        var seconds = new Option<double>("--seconds") { DefaultValueFactory = _ => 40 };
        var many = new Command("images-memory",
            "Memory of training on a long list of photos, and on a short one.") { photos, count, seconds };
        many.SetAction(parsed => Compare(parsed.GetValue(photos)!, parsed.GetValue(count), parsed.GetValue(seconds)));
        yield return many;

        var run =
            new Command("images-memory-run", "One training run; images-memory starts it.") { photos, count, seconds };
        run.SetAction(parsed =>
            Console.WriteLine(JsonSerializer.Serialize(Train(parsed.GetValue(photos)!, parsed.GetValue(seconds)))));
        yield return run;
    }

    private static string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>So many paths, some more than once where there are fewer.</summary>
    private static string[] Some(string folder, int count)
    {
        var files = Files(folder);
        return [.. Enumerable.Range(0, count).Select(i => files[i % files.Length])];
    }

    private static ImageRows Read(string[] paths, ImageReading reading)
    {
        var view = Ml.Data.LoadFromEnumerable(paths.Select(path => new Photo(path)));
        return ImageRows.Read(new(view, view.Schema[nameof(Photo.Path)]), reading, new(OnUnreadableImage.Throw, null));
    }

    private static void Load(string photos, int count, int rounds, int threads, string? python)
    {
        string[] paths = Some(photos, count);
        var pipeline = new ViewPipeline(Dino, 1, threads);
        string folder = Directory.CreateTempSubdirectory("images-").FullName;
        var reading = ImageReading.For(224);
        try
        {
            using var files = Read(paths, reading);
            using var cached = Read(paths, reading with { Cache = new(Path.Combine(folder, "cache")) });
            var memory = new ImageStore(reading.MaxShorterSide);
            foreach (int row in Enumerable.Range(0, paths.Length))
            {
                var image = files.Images.Copy(row);
                memory.Add(image.Pixels.Span, image.Width, image.Height);
            }
            (string Name, Action Epoch)[] ways =
            [
                ("decoding alone", () =>
                    Parallel.For(0, paths.Length, new ParallelOptions { MaxDegreeOfParallelism = threads },
                    () => new PixelBuffer(), (int row, ParallelLoopState _, PixelBuffer buffer) =>
                    {
                        files.Images.Read(row, buffer);
                        return buffer;
                    }, _ => { })),
                ("decoding and views", () => Epoch(pipeline, files.Images)),
                ("views from the cache", () => Epoch(pipeline, cached.Images)),
                ("views from memory", () => Epoch(pipeline, memory)),
            ];
            // The first round warms up, and fills the cache.
            for (int round = 0; round <= rounds; round++)
            {
                foreach (var (name, epoch) in ways)
                {
                    long start = Stopwatch.GetTimestamp();
                    epoch();
                    Tell(round, name, paths.Length / Stopwatch.GetElapsedTime(start).TotalSeconds);
                }
                if (python is not null && round > 0)
                    Tell(round, "decoding and views, DataLoader of PyTorch", TwinRate(photos, count, threads, python));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Tell(int round, string name, double rate)
    {
        if (round > 0) Console.WriteLine($"{round} {name}: {rate:0.0} images/s");
    }

    private static double TwinRate(string photos, int count, int threads, string python)
    {
        var twin = OtherSide.PyTorch(python, "pytorch_twin.py");
        string[] arguments = ["images", photos, "--steps", $"{count / BatchSize}", "--workers", $"{threads}"];
        return ChildProcess.Run<Rate>(twin.Program, [.. twin.Arguments, .. arguments], threads).images_per_second;
    }

    private static void Epoch(ViewPipeline pipeline, IImageSource images)
    {
        foreach (int[] batch in Enumerable.Range(0, images.Count).Chunk(BatchSize))
            foreach (var view in pipeline.Render(images, batch, epoch: 0)) view.Dispose();
    }

    private static void Compare(string photos, int count, double seconds)
    {
        var files = Files(photos);
        string folder = Directory.CreateTempSubdirectory("photos-").FullName;
        try
        {
            foreach (int length in new[] { 64, count })
            {
                string list = Directory.CreateDirectory(Path.Combine(folder, $"{length}")).FullName;
                for (int i = 0; i < length; i++)
                {
                    string copy = Path.Combine(folder, Path.GetFileName(files[i % files.Length]));
                    if (!File.Exists(copy)) File.Copy(files[i % files.Length], copy);
                    HardLink(copy, Path.Combine(list, $"{i:000000}.jpg"));
                }
                var memory = ChildProcess.Own<Memory>(["images-memory-run", list, "--seconds", $"{seconds}"], 2);
                Console.WriteLine($"{length} photos: {memory.steps} steps, {memory.images_per_second:0.0} images/s, "
                    + $"peak {memory.peak_mib:0} MiB resident, "
                    + $"{memory.anonymous_mib:0} MiB of it no file's at the end");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void HardLink(string file, string link)
    {
        if (OperatingSystem.IsWindows() || LinkFile(file, link) != 0) File.Copy(file, link);
    }

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "link")]
    private static extern int LinkFile(string file, string link);

    private static Memory Train(string folder, double seconds)
    {
        using var stop = new CancellationTokenSource();
        long steps = 0;
        Stopwatch? clock = null;
        var progress = new Collect(p =>
        {
            steps = p.Step;
            clock ??= Stopwatch.StartNew();
            if (clock.Elapsed.TotalSeconds > seconds) stop.Cancel();
        });
        const int Batch = 16;
        var options = new DinoOptions
        {
            Backbone = new VisionTransformerOptions
            {
                PatchSize = 16,
                EmbeddingDimension = 192,
                Depth = 4,
                Heads = 3,
                ImageSize = 224
            },
            BatchSize = Batch,
            ImageSize = 224,
            LocalCrops = 4,
            OutputDimension = 1024,
            Seed = 1,
            Progress = progress,
            CancellationToken = stop.Token,
        };
        var view = Ml.Data.LoadFromEnumerable(Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)
            .Select(path => new Photo(path)));
        try
        {
            Ml.SelfSupervised().Pretrain("Embedding", nameof(Photo.Path), options).Fit(view).Dispose();
        }
        catch (OperationCanceledException)
        {
        }
        return new(ChildProcess.PeakMemory(), ChildProcess.Memory("RssAnon"), steps,
            steps * Batch / clock!.Elapsed.TotalSeconds);
    }
}
