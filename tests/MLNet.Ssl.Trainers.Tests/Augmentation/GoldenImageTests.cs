using System.Globalization;
using System.Text.Json;

namespace MLNet.Ssl.Tests;

/// <summary>Every image operation against the bytes of Pillow and torchvision.</summary>
[Trait("Category", "Golden")]
public sealed class GoldenImageTests
{
    [Fact]
    public void ResizedCropEqualsPillow()
    {
        var golden = Golden.Load("image_resize");
        var cases = golden.Params.GetProperty("resized_crop").EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        var resampler = new Resampler();
        var result = new PlanarImage();
        foreach (var c in cases)
        {
            var box = new CropBox(Int(c, "left"), Int(c, "top"), Int(c, "width"), Int(c, "height"));
            resampler.Resize(golden.Input(Text(c, "image")).ToImage(), box, Int(c, "out_w"), Int(c, "out_h"), Filter(c),
                flip: false, result);
            Images.AssertEqual(golden.Expected(Text(c, "key")), result.ToImage(), Text(c, "key"));
        }
    }

    [Fact]
    public void ResizeAndCenterCropEqualTorchvision()
    {
        var golden = Golden.Load("image_resize");
        var cases = golden.Params.GetProperty("resize_center_crop").EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        foreach (var c in cases)
        {
            var image = golden.Input(Text(c, "image")).ToImage();
            int crop = Int(c, "crop");
            var preprocessing = new ImagePreprocessing
            {
                Resize = Int(c, "resize"),
                CropSize = crop,
                Interpolation = Filter(c),
                Normalization = Normalization.None,
            };
            var resized = (preprocessing with { CropSize = null }).OutputSize(image.Width, image.Height);
            Assert.Equal(Array(c, "resized_h_w"), new[] { resized.Height, resized.Width });

            var chw = new float[3 * crop * crop];
            preprocessing.Apply(image, chw);
            var hwc = new byte[chw.Length];
            for (int i = 0; i < hwc.Length; i++) hwc[i] = (byte)MathF.Round(chw[i % 3 * crop * crop + i / 3] * 255);
            Images.AssertEqual(golden.Expected(Text(c, "key")), new(hwc, crop, crop), Text(c, "key"));
        }
    }

    [Fact]
    public void RuleImageEqualsListedImage()
    {
        var golden = Golden.Load("image_resize");
        Images.AssertEqual(golden.Input("small"), golden.Input("small_by_rule").ToImage(), "small_by_rule");
    }

    [Fact]
    public void ColorOperationsEqualPillow()
    {
        var golden = Golden.Load("image_color_ops");
        var cases = golden.Params.GetProperty("ops").EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        foreach (var c in cases)
        {
            double factor = c.GetProperty("factor").GetDouble();
            var result = golden.Input(Text(c, "image")).ToImage()
                .With(image => Operation(Text(c, "op"), factor)(image));
            Images.AssertEqual(golden.Expected(Text(c, "key")), result, Text(c, "key"));
        }
    }

    [Fact]
    public void ColorJitterEqualsTorchvisionInEveryOrder()
    {
        var golden = Golden.Load("image_color_jitter_orders");
        var p = golden.Params;
        var names = golden.ExpectedNames.ToArray();
        Assert.Equal(p.GetProperty("orders").EnumerateArray().Select(v => v.GetString()), names);
        foreach (string name in names)
        {
            int[] order = [.. name.Split('_')[1].Select(digit => digit - '0')];
            Assert.Equal(new[] { "brightness", "contrast", "saturation", "hue" },
                Enumerable.Range(0, 4).Select(i =>
                    p.GetProperty("op_ids").GetProperty(i.ToString(CultureInfo.InvariantCulture)).GetString()));
            double[] factors = [.. new[] { "brightness", "contrast", "saturation", "hue" }.Select(op =>
                p.GetProperty(op).GetDouble())];
            Images.AssertEqual(golden.Expected(name),
                golden.Input("image").ToImage().With(Jitter(factors, order).Apply), name);
        }
    }

    [Fact]
    public void FiltersEqualPillow()
    {
        var golden = Golden.Load("image_filters");
        var names = golden.ExpectedNames.ToArray();
        Assert.NotEmpty(names);
        foreach (string name in names)
        {
            var image = golden.Input(name.StartsWith("small.", StringComparison.Ordinal) ? "small_image" : "image")
                .ToImage();
            string operation = name.Replace("small.", "", StringComparison.Ordinal);
            var result = operation switch
            {
                "hflip" => image.ToPlanar(flip: true).ToImage(),
                "grayscale3" => image.With(ColorOps.Grayscale),
                _ when Value(operation, "solarize_") is { } threshold =>
                    image.With(i => ColorOps.Solarize(i, (int)threshold)),
                _ when Value(operation, "gaussian_blur_r") is { } sigma =>
                    image.With(i => new GaussianBlur().Apply(i, sigma)),
                _ => throw new NotSupportedException(name),
            };
            Images.AssertEqual(golden.Expected(name), result, name);
        }
    }

    [Fact]
    public void NormalizeEqualsTorchvision()
    {
        var golden = Golden.Load("image_normalize");
        var image = golden.Input("image").ToImage().ToPlanar();
        var cases = golden.Params.GetProperty("stats").EnumerateObject()
            .Select(s => (s.Name, Normalization: new Normalization(Triple(s.Value, "mean"), Triple(s.Value, "std"))))
            .Append(("to_tensor", Normalization.None)).ToArray();
        Assert.Equal(golden.ExpectedNames.Order(), cases.Select(c => c.Item1).Order());
        foreach (var (name, normalization) in cases) AssertNormalized(golden.Expected(name), normalization, image);
    }

    [Fact]
    public void PipelineEqualsDino()
    {
        var golden = Golden.Load("image_pipeline");
        var cases = golden.Params.EnumerateObject().ToArray();
        Assert.NotEmpty(cases);
        foreach (var (name, c) in cases.Select(c => (c.Name, c.Value)))
        {
            int[] box = Array(c, "crop_top_left_height_width");
            double[] factors =
                [.. c.GetProperty("brightness_contrast_saturation_hue").EnumerateArray().Select(v => v.GetDouble())];
            var plan = new ViewPlan(new CropBox(box[1], box[0], box[3], box[2]), Flag(c, "flip"),
                Jitter(factors, Array(c, "jitter_order")),
                Flag(c, "grayscale"), c.GetProperty("blur_radius").GetDouble(), Flag(c, "solarize"));
            var view = new ViewWorkspace()
                .Render(golden.Input("image").ToImage(), ViewRecipes.DinoGlobal1(Int(c, "out")), plan);
            Images.AssertEqual(golden.Expected(name + ".uint8"), view.ToImage(), name);
            AssertNormalized(golden.Expected(name + ".normalized"), Normalization.ImageNet, view);
        }
    }

    [Fact]
    public void RandomResizedCropEqualsTorchvision()
    {
        var golden = Golden.Load("random_resized_crop_params");
        var cases = golden.Params.GetProperty("cases").EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        long[] expected = golden.Expected("top_left_height_width").Longs;
        for (int i = 0; i < cases.Length; i++)
        {
            var c = cases[i];
            var draws = new ScriptedDraws(
                c.GetProperty("uniform_pairs_scale_then_logratio").EnumerateArray()
                    .SelectMany(pair => pair.EnumerateArray()).Select(v => v.GetDouble()));
            var box = RandomResizedCrop.Draw(Int(c, "image_w"), Int(c, "image_h"), Pair(c, "scale"), Pair(c, "ratio"),
                ref draws);
            Assert.Equal(expected[(4 * i)..(4 * i + 4)], new long[] { box.Top, box.Left, box.Height, box.Width });
        }
    }

    /// <summary>Given uniform numbers; integers of [0, n] are ⌊n/3⌋, the file's offset rule.</summary>
    private readonly struct ScriptedDraws(IEnumerable<double> draws) : IRandomSource
    {
        private readonly Queue<double> _draws = new(draws);

        public double Uniform(double min, double max) => min + (max - min) * _draws.Dequeue();

        public int Below(int count) => (count - 1) / 3;
    }

    private static Action<PlanarImage> Operation(string name, double factor) => name switch
    {
        "brightness" => image => ColorOps.Brightness(image, (float)factor),
        "contrast" => image => ColorOps.Contrast(image, (float)factor),
        "saturation" => image => ColorOps.Saturation(image, (float)factor),
        "hue" => image => ColorOps.Hue(image, factor),
        _ => throw new NotSupportedException(name),
    };

    private static JitterPlan Jitter(double[] factors, int[] order) =>
        new((float)factors[0], (float)factors[1], (float)factors[2], factors[3],
            order.Select((operation, i) => operation << (2 * i)).Sum());

    private static void AssertNormalized(GoldenArray expected, Normalization normalization, PlanarImage image)
    {
        var actual = new float[3 * image.Width * image.Height];
        normalization.Apply(image, actual);
        Assert.Equal(expected.Shape, new long[] { 3, image.Height, image.Width });
        double tolerance = 1e-6 * Math.Max(1, expected.Data.Max(Math.Abs));
        for (int i = 0; i < actual.Length; i++) Assert.Equal(expected.Data[i], actual[i], tolerance);
    }

    private static double? Value(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
            ? double.Parse(name[prefix.Length..], CultureInfo.InvariantCulture) : null;

    private static int Int(JsonElement e, string key) => e.GetProperty(key).GetInt32();

    private static bool Flag(JsonElement e, string key) => e.GetProperty(key).GetBoolean();

    private static string Text(JsonElement e, string key) => e.GetProperty(key).GetString()!;

    private static int[] Array(JsonElement e, string key) =>
        [.. e.GetProperty(key).EnumerateArray().Select(v => v.GetInt32())];

    private static (double, double) Pair(JsonElement e, string key) =>
        (e.GetProperty(key)[0].GetDouble(), e.GetProperty(key)[1].GetDouble());

    private static (float, float, float) Triple(JsonElement e, string key) =>
        (e.GetProperty(key)[0].GetSingle(), e.GetProperty(key)[1].GetSingle(), e.GetProperty(key)[2].GetSingle());

    private static Interpolation Filter(JsonElement e) =>
        Enum.Parse<Interpolation>(Text(e, "interpolation"), ignoreCase: true);
}
