using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class AttentionMapsTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void TheClassTokensAttentionIsTheOfficialOne()
    {
        var file = Golden.Load("vit_forward");
        var p = file.Params;
        using var network = new VisionTransformer(new VisionTransformerOptions
        {
            ImageSize = p.GetProperty("img_size").GetInt32(),
            PatchSize = p.GetProperty("patch_size").GetInt32(),
            EmbeddingDimension = p.GetProperty("embed_dim").GetInt32(),
            Depth = p.GetProperty("depth").GetInt32(),
            Heads = p.GetProperty("num_heads").GetInt32(),
            MlpRatio = p.GetProperty("mlp_ratio").GetDouble(),
        }, new Generator(1));
        GoldenTensors.Fill(network, p.GetProperty("state_dict"));
        network.eval();
        var cases = file.ExpectedNames.Select(name => Regex.Match(name, @"^last_selfattention_(\d+)x(\d+)$"))
            .Where(m => m.Success).ToList();
        Assert.NotEmpty(cases);
        foreach (var match in cases)
        {
            using var scope = NewDisposeScope();
            long patch = p.GetProperty("patch_size").GetInt64(), h = long.Parse(match.Groups[1].Value) / patch,
                w = long.Parse(match.Groups[2].Value) / patch;
            var all = file.Expected(match.Value);
            var actual = network.ClassTokenAttention(file.Input($"x_{match.Groups[1]}x{match.Groups[2]}").ToTensor());
            Assert.Equal([all.Shape[0], all.Shape[1], h, w], actual.shape);
            // Row 0 without column 0 of each (1+P, 1+P).
            long tokens = all.Shape[2];
            double[] expected = [.. all.Data.Where((_, i) => i / tokens % tokens == 0 && i % tokens > 0)];
            new GoldenArray(actual.shape, "float32", expected).AssertClose(actual, 1e-5, match.Value);
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(27)]
    [InlineData(40)]
    public void MapsAreTheAttentionOfTheImageAtTheSize(int size)
    {
        using var scope = NewDisposeScope();
        using var encoder = Encoders.Transformer();
        var image = Images.Random(31, 18, 5);
        var maps = AttentionMaps.Of(encoder, image, size);
        int patches = size / 4;
        Assert.Equal((3, 4, patches, patches), (maps.Heads, maps.PatchSize, maps.Rows, maps.Columns));

        // The exact resize to size × size, cut at the right and at the bottom.
        var x = ResizedImage.Batch([image], size, size, Interpolation.Bilinear, Normalization.ImageNet);
        using var mode = no_grad();
        var attention = ((VisionTransformer)encoder.Backbone).LastSelfAttention(x).select(0, 0);
        for (int head = 0; head < 3; head++)
        {
            var expected = attention.select(0, head).select(0, 0).narrow(0, 1, patches * patches).data<float>()
                .ToArray();
            Assert.All(expected.Zip(maps.Weights(head).ToArray()), pair =>
                Assert.Equal(pair.First, pair.Second, 1e-5f));
            var pixels = maps.PixelWeights(head);
            for (int y = 0; y < maps.Image.Height; y++)
                for (int column = 0; column < maps.Image.Width; column++)
                    Assert.Equal(maps.Weights(head)[y / 4 * patches + column / 4],
                        pixels[y * maps.Image.Width + column]);
        }
        var seen = ResizedImage.Of(image, size, size, (size, size), Interpolation.Bilinear)
            .Crop(0, 0, 4 * patches, 4 * patches);
        Assert.Equal(seen.Pixels.ToArray(), maps.Image.Pixels.ToArray());
    }

    [Fact]
    public void TheMaskKeepsThePatchesThatHoldTheMass()
    {
        // Shares .4 .3 .2 .1; the cumulated ones from the least on are .1 .3 .6 1.
        var maps = Maps([0.2f, 0.05f, 0.1f, 0.15f]);
        Assert.Equal([true, false, false, true], maps.Mask(0, 0.6));
        Assert.Equal([true, false, false, false], maps.Mask(0, 0.3));
        Assert.Equal([true, false, true, true], maps.Mask(0, 0.85));
        Assert.Equal([true, true, true, true], maps.Mask(0, 1));
        Assert.Equal(maps.Mask(0, 0.6), maps.Mask(0));
    }

    [Fact]
    public void MoreMassNeverKeepsFewerPatches()
    {
        using var encoder = Encoders.Transformer();
        var maps = AttentionMaps.Of(encoder, Images.Random(20, 20, 9), 40);
        for (int head = 0; head < maps.Heads; head++)
        {
            bool[] last = maps.Mask(head, 0.05);
            for (double mass = 0.1; mass <= 1; mass += 0.05)
            {
                var mask = maps.Mask(head, mass);
                Assert.All(last.Zip(mask), pair => Assert.True(pair.Second || !pair.First));
                var weights = maps.Weights(head).ToArray();
                Assert.True(weights.Where((_, i) => mask[i]).Sum() >= (mass - 1e-4) * weights.Sum());
                last = mask;
            }
        }
    }

    [Fact]
    public void JaccardIsThatOfTheBestHead()
    {
        var maps = Maps([0.9f, 0, 0, 0.1f], [0, 0.5f, 0, 0.5f]);
        // 2 × 2 patches of 2 × 2 pixels; the object is the right half.
        bool[] right = [.. Enumerable.Range(0, 16).Select(i => i % 4 >= 2)];
        Assert.Equal(1, maps.BestJaccard(right));
        bool[] corner = [.. Enumerable.Range(0, 16).Select(i => i == 0)];
        Assert.Equal(0.25, maps.BestJaccard(corner));
        Assert.Contains("15 pixels; expected 4×4",
            Assert.Throws<ArgumentException>(() => maps.BestJaccard(new bool[15])).Message);
        Assert.Throws<ArgumentException>(() => maps.BestJaccard(new bool[16]));
    }

    [Fact]
    public void OverlaysAreHottestWhereAttentionIsLargest()
    {
        var maps = Maps([0.1f, 0.9f, 0.5f, 0.1f], [0.25f, 0.25f, 0.25f, 0.25f]);
        var overlay = maps.Overlay(0);
        Assert.Equal((4, 4), (overlay.Width, overlay.Height));
        int Brightness(int x, int y) => overlay.Pixels.Span.Slice(3 * (4 * y + x), 3).ToArray().Sum(v => v);
        Assert.True(Brightness(3, 0) > Brightness(0, 3) && Brightness(0, 3) > Brightness(0, 0));
        Assert.Equal(Brightness(0, 0), Brightness(3, 3));
        // Where all is equal there is no heat: the image at half its brightness.
        Assert.All(maps.Overlay(1).Pixels.ToArray(), value => Assert.Equal(50, value));
        var masked = maps.Overlay(0, 0.6);
        Assert.Equal((15, 100, 15), (masked.Pixels.Span[0], masked.Pixels.Span[9], masked.Pixels.Span[^1]));
        var sheet = maps.ContactSheet();
        Assert.Equal((12, 12), (sheet.Width, sheet.Height));
        Assert.Equal(overlay.Pixels.Span[..12].ToArray(), sheet.Pixels.Span.Slice(3 * 8, 12).ToArray());
    }

    [Fact]
    public void AResNetHasNoAttentionAndWrongSizesAreRefused()
    {
        using var network = Encoders.ResNet();
        using var encoder = Encoders.Transformer();
        var image = Images.Random(9, 9, 1);
        string message = Assert.Throws<NotSupportedException>(() => AttentionMaps.Of(network, image)).Message;
        Assert.Contains("ResNet", message);
        Assert.Contains("transformer", message);
        Assert.Contains("imageSize is 3",
            Assert.Throws<ArgumentOutOfRangeException>(() => AttentionMaps.Of(encoder, image, 3)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionMaps.Of(encoder, image, 100_000));
        Assert.Throws<ArgumentException>(() => AttentionMaps.Of(encoder, new(new byte[5], 3, 3), 16));
        var maps = AttentionMaps.Of(encoder, image, 16);
        Assert.Contains("head is 3", Assert.Throws<ArgumentOutOfRangeException>(() => maps.Weights(3)).Message);
        Assert.Contains("mass is 1.5", Assert.Throws<ArgumentOutOfRangeException>(() => maps.Mask(0, 1.5)).Message);
    }

    /// <summary>Heads over 2 × 2 patches of 2 × 2 pixels of a grey image.</summary>
    private static AttentionMaps Maps(params float[][] heads) =>
        new(new(Enumerable.Repeat((byte)100, 48).ToArray(), 4, 4), [.. heads.SelectMany(h => h)], heads.Length, 2);
}
