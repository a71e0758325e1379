using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks.Gpu;

/// <summary>This library's side of the benchmark on a GPU: one mode of one case in this process, as the script in
/// benchmarks/gpu starts it.</summary>
internal static class GpuSide
{
    public static Command Command()
    {
        var mode = new Argument<string>("mode");
        mode.AcceptOnlyFromAmong("step", "end-to-end", "embed", "transform", "views");
        var name = new Option<string>("--case") { Required = true };
        var batch = new Option<int>("--batch") { DefaultValueFactory = _ => 64 };
        var precision = new Option<Precision>("--precision") { DefaultValueFactory = _ => Precision.BFloat16 };
        var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 30 };
        var warmup = new Option<int>("--warmup") { DefaultValueFactory = _ => 5 };
        var threads = new Option<int>("--threads") { DefaultValueFactory = _ => Environment.ProcessorCount };
        var photos = new Option<string>("--photos") { Description = "a folder of photos", Required = true };
        var images = new Option<int>("--images")
        {
            Description = "so many of them, over and over",
            DefaultValueFactory = _ => 1024,
        };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cuda" };
        var command = new Command("gpu-run", "One run on a GPU: step, end-to-end, images in memory or files embedded, "
            + "or the views alone.")
        {
            mode, name, batch, precision, steps, warmup, threads, photos, images, device,
        };
        command.SetAction(parsed =>
        {
            var run = new Run(
                GpuCase.Named(parsed.GetValue(name)!), parsed.GetValue(batch), parsed.GetValue(precision),
                parsed.GetValue(steps),
                parsed.GetValue(warmup), parsed.GetValue(threads),
                Photos(parsed.GetValue(photos)!, parsed.GetValue(images)), torch.device(parsed.GetValue(device)!));
            Console.WriteLine(JsonSerializer.Serialize(parsed.GetValue(mode) switch
            {
                "step" => run.Train(endToEnd: false),
                "end-to-end" => run.Train(endToEnd: true),
                "embed" => run.Embed(),
                "transform" => run.Transform(),
                _ => run.Views(),
            }));
        });
        return command;
    }

    private static string[] Photos(string folder, int count)
    {
        string[] files = [.. Directory.EnumerateFiles(folder, "*.jpg", SearchOption.AllDirectories).Order()];
        return [.. Enumerable.Range(0, count).Select(i => files[i % files.Length])];
    }

    /// <summary>What a run measured; memory is all that the device has given away. Where images are embedded, the
    /// norms of the first and the last embedding stand in place of losses.</summary>
    private sealed record Result(double images_per_second, double wait, double gpu_mib, double first_loss,
        double last_loss);

    private sealed record Run(
        GpuCase Case, int Batch, Precision Precision, int Steps, int Warmup, int Threads, string[] Files,
        Device Device)
    {
        private readonly Lazy<ImageStore> _store = new(() => Decoded(Files));

        private ImageStore Store => _store.Value;

        public Result Train(bool endToEnd)
        {
            using var scope = NewDisposeScope();
            using var tf32 = TensorFloat32.Use(Precision != Precision.Float32);
            var plan = Case.Plan(Batch, Threads, Precision);
            using var generator = new Generator(1, CPU);
            using var method = plan.CreateMethod(generator, Device, 1);
            using var step = new TrainingStep(method, plan.Method.Optimization, 1, Threads, 2);
            var source = new ImageViews(Store, new ViewPipeline(plan.Method.Views, plan.ViewSeed, Threads));
            using var loader = new ViewLoader(source, EpochBatches.Of(Store.Count, Batch, null), 1000, 4, Device);
            var still = endToEnd ? null : loader.Next();
            var (clock, stopwatch, waited) = (Case.Clock, new Stopwatch(), TimeSpan.Zero);
            var losses = new List<Tensor>();
            for (int i = -Warmup; i < Steps; i++, clock = clock.Next)
            {
                if (i == 0)
                {
                    Synchronize();
                    stopwatch.Start();
                    waited = loader.Waited;
                }
                using var inner = NewDisposeScope();
                losses.Add(step.Run(still ?? loader.Next(), clock).Loss.DetachFromDisposeScope());
            }
            Synchronize();
            double seconds = stopwatch.Elapsed.TotalSeconds;
            return new(Batch * Steps / seconds, (loader.Waited - waited).TotalSeconds / seconds, UsedMemory(),
                losses[0].ToNumber(), losses[^1].ToNumber());
        }

        /// <summary>Images in memory, embedded by one call.</summary>
        public Result Embed()
        {
            using var scope = NewDisposeScope();
            using var encoder = Encoder();
            var images = Enumerable.Range(0, Store.Count).Select(i => Store[i]).ToList();
            var result = new float[images.Count * encoder.EmbeddingDimension];
            encoder.Embed(images, result);
            var stopwatch = Stopwatch.StartNew();
            for (int i = 0; i < Steps; i++) encoder.Embed(images, result);
            double seconds = stopwatch.Elapsed.TotalSeconds;
            int width = encoder.EmbeddingDimension;
            return new(images.Count * Steps / seconds, 0, UsedMemory(), Norm(result.AsSpan(0, width)),
                Norm(result.AsSpan(result.Length - width)));
        }

        /// <summary>Files, decoded and embedded as a cursor passes.</summary>
        public Result Transform()
        {
            using var scope = NewDisposeScope();
            var ml = new MLContext(1);
            using var transformer = new EmbeddingTransformer(Encoder(), "Embedding", nameof(Photo.Path));
            Walk(Files.Take(2 * Batch));
            var stopwatch = Stopwatch.StartNew();
            var (first, last) = (0.0, 0.0);
            for (int i = 0; i < Steps; i++) (first, last) = Walk(Files);
            return new(Files.Length * Steps / stopwatch.Elapsed.TotalSeconds, 0, UsedMemory(), first, last);

            (double First, double Last) Walk(IEnumerable<string> files)
            {
                var view = transformer.Transform(
                    ml.Data.LoadFromEnumerable(files.Select(path => new Photo { Path = path })));
                using var cursor = view.GetRowCursor([view.Schema["Embedding"]]);
                var get = cursor.GetGetter<VBuffer<float>>(view.Schema["Embedding"]);
                VBuffer<float> embedding = default;
                double? firstNorm = null;
                while (cursor.MoveNext())
                {
                    get(ref embedding);
                    firstNorm ??= Norm(embedding.GetValues());
                }
                return (firstNorm ?? 0, Norm(embedding.GetValues()));
            }
        }

        private static double Norm(ReadOnlySpan<float> values) => System.Numerics.Tensors.TensorPrimitives.Norm(values);

        private ImageEncoder Encoder()
        {
            using var generator = new Generator(1, CPU);
            return new(Case.Options.Backbone!.Create(generator).to(Device), ImagePreprocessing.For(224), Device)
            {
                Precision = Precision,
            };
        }

        /// <summary>The views alone, which a processor makes.</summary>
        public Result Views()
        {
            var plan = Case.Plan(Batch, Threads, Precision);
            var pipeline = new ViewPipeline(plan.Method.Views, plan.ViewSeed, Threads);
            var stopwatch = new Stopwatch();
            for (int i = -1; i < Steps; i++)
            {
                if (i == 0) stopwatch.Start();
                foreach (var view in pipeline.RenderBytes(Store, [.. Enumerable.Range(0, Batch)
                    .Select(row => (row + i * Batch + Batch) % Store.Count)], i + 1)) view.Dispose();
            }
            return new(Batch * Steps / stopwatch.Elapsed.TotalSeconds, 0, 0, 0, 0);
        }

        private static ImageStore Decoded(string[] files)
        {
            var decoded = files.Distinct().ToDictionary(file => file, RgbImages.Load);
            var store = new ImageStore();
            foreach (string file in files)
            {
                var image = decoded[file];
                store.Add(image.Pixels.Span, image.Width, image.Height);
            }
            return store;
        }

        private void Synchronize()
        {
            if (Device.type == DeviceType.CUDA) cuda.synchronize();
        }

        private double UsedMemory()
        {
            if (Device.type != DeviceType.CUDA || MemoryInfo(out nuint free, out nuint total) != 0) return 0;
            return (total - free) / 1048576.0;
        }
    }

    private sealed class Photo
    {
        public string Path { get; set; } = "";
    }

    [DllImport("libcuda.so.1", EntryPoint = "cuMemGetInfo_v2")]
    private static extern int MemoryInfo(out nuint free, out nuint total);
}
