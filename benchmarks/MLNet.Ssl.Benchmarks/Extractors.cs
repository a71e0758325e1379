using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>Published architectures with random weights: how fast they embed, and what loading them takes.</summary>
internal static class Extractors
{
    private static readonly (string Name, BackboneOptions Backbone)[] All =
    [
        ("ResNet-18", ResNetOptions.ResNet18()),
        ("ResNet-50", ResNetOptions.ResNet50()),
        ("DINO ViT-S/16", VisionTransformerOptions.Small(16)),
        ("DINO ViT-S/8", VisionTransformerOptions.Small(8)),
        ("DINO ViT-B/16", VisionTransformerOptions.Base(16)),
        ("DINO ViT-B/8", VisionTransformerOptions.Base(8)),
        ("DINOv2 ViT-S/14", VisionTransformerOptions.DinoV2Small()),
        ("DINOv2 ViT-B/14", VisionTransformerOptions.DinoV2Base()),
        ("DINOv2 ViT-L/14", VisionTransformerOptions.DinoV2Large()),
        ("DINOv2 ViT-g/14", VisionTransformerOptions.DinoV2Giant()),
        ("DINOv3 ViT-S/16", VisionTransformerOptions.DinoV3Small()),
        ("DINOv3 ViT-S+/16", VisionTransformerOptions.DinoV3SmallPlus()),
        ("DINOv3 ViT-B/16", VisionTransformerOptions.DinoV3Base()),
        ("DINOv3 ViT-L/16", VisionTransformerOptions.DinoV3Large()),
        ("DINOv3 ViT-H+/16", VisionTransformerOptions.DinoV3HugePlus()),
        ("DINOv3 ConvNeXt-T", ConvNeXtOptions.Tiny()),
        ("DINOv3 ConvNeXt-S", ConvNeXtOptions.Small()),
        ("DINOv3 ConvNeXt-B", ConvNeXtOptions.Base()),
        ("DINOv3 ConvNeXt-L", ConvNeXtOptions.Large()),
    ];

    public static Command Speed()
    {
        var names = new Option<string[]>("--name")
        {
            Description = "architectures; without it all",
            DefaultValueFactory = _ => [.. All.Select(a => a.Name)],
            AllowMultipleArgumentsPerToken = true,
        };
        var seconds = new Option<double>("--seconds")
        {
            Description = "least time for each figure",
            DefaultValueFactory = _ => 3
        };
        var command = new Command("extractors", "Images of 640x480 pixels embedded a second, at 224 pixels, by "
            + "published architectures.") { names, seconds };
        command.SetAction(parsed =>
        {
            Console.WriteLine("| architecture | features | parameters | images/s, 16 at a time | ms for one |");
            Console.WriteLine("|---|---|---|---|---|");
            foreach (var (name, backbone) in All.Where(a => parsed.GetValue(names)!.Contains(a.Name)))
                Console.WriteLine(Row(name, backbone, parsed.GetValue(seconds)));
        });
        return command;
    }

    private static string Row(string name, BackboneOptions backbone, double seconds)
    {
        using var scope = NewDisposeScope();
        var network = Random(backbone);
        long parameters = network.parameters().Sum(p => p.numel());
        using var encoder = new ImageEncoder(network, ImagePreprocessing.For(224));
        var pixels = new byte[3 * 640 * 480];
        new Random(1).NextBytes(pixels);
        var image = new RgbImage(pixels, 640, 480);
        double many = 16 / Time(Enumerable.Repeat(image, 16).ToArray()), one = Time([image]);
        return string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {backbone.EmbeddingDimension} | {parameters / 1e6:0} M | {many:0.0} | {1000 * one:0} |");

        // Seconds of the fastest call: what else the machine does only adds.
        double Time(RgbImage[] images)
        {
            var output = new float[images.Length * backbone.EmbeddingDimension];
            encoder.Embed(images, output);
            var watch = Stopwatch.StartNew();
            double least = double.PositiveInfinity;
            do
            {
                var start = watch.Elapsed;
                encoder.Embed(images, output);
                least = Math.Min(least, (watch.Elapsed - start).TotalSeconds);
            }
            while (watch.Elapsed.TotalSeconds < seconds);
            return least;
        }
    }

    public static Command Load()
    {
        var name = new Option<string>("--name") { DefaultValueFactory = _ => "DINOv2 ViT-L/14" };
        var command = new Command("load",
            "Writes a file of random weights, and measures in another process what loading it takes.") { name };
        command.SetAction(parsed =>
        {
            string folder = Directory.CreateTempSubdirectory("mlnet-ssl-load").FullName;
            try
            {
                string path = Path.Combine(folder, "weights.safetensors");
                using (var network = Random(All.Single(a => a.Name == parsed.GetValue(name)).Backbone))
                    SafeTensors.Write(path, network.state_dict());
                using var process =
                    Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Self, "load-run", path]))!;
                process.WaitForExit();
                return process.ExitCode;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        });
        return command;
    }

    // Started through dotnet, the program is its argument.
    private static string[] Self => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
        ? [typeof(Extractors).Assembly.Location] : [];

    public static Command LoadRun()
    {
        var path = new Argument<string>("path");
        var command = new Command("load-run", "Loads a file; load starts it.") { path };
        command.SetAction(parsed =>
        {
            string file = parsed.GetValue(path)!;
            zeros(1).Dispose();
            double before = PeakMegabytes();
            var reading = Stopwatch.StartNew();
            var buffer = new byte[1 << 20];
            using (var stream = File.OpenRead(file))
                while (stream.Read(buffer) > 0) { }
            double read = reading.Elapsed.TotalSeconds;
            var loading = Stopwatch.StartNew();
            using var encoder = PretrainedEncoder.Load(file);
            double load = loading.Elapsed.TotalSeconds, peak = PeakMegabytes(),
                size = new FileInfo(file).Length / 1e6;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{size:0} MB: read in {read:0.00} s, loaded in {load:0.00} s; peak memory {peak:0} MB, {before:0} MB "
                + $"of it before: {peak / size:0.00} times the file, {(peak - before) / size:0.00} without what was "
                + $"there before"));
        });
        return command;
    }

    private static double PeakMegabytes() => ChildProcess.PeakMemory() * (1 << 20) / 1e6;

    private static Backbone Random(BackboneOptions options)
    {
        using var generator = new Generator(1, CPU);
        return options.Create(generator);
    }
}
