using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class MixersGoldenTests
{
    /// <summary>A box of i-Mix's order: x is the image's second last axis.</summary>
    internal static MixBox XBox(IReadOnlyList<long> box) => new((int)box[0], (int)box[1], (int)box[2], (int)box[3]);

    /// <summary>Boxes of SDMP's order y1, y2, x1, x2.</summary>
    internal static MixBox[] YBoxes(GoldenArray boxes) =>
        [.. boxes.Longs.Chunk(4).Select(b => new MixBox((int)b[0], (int)b[2], (int)b[1], (int)b[3]))];

    [Fact]
    public void IMixsMixersMatchTheOfficialCode()
    {
        var golden = Golden.Load("imix_mixers");
        using var scope = NewDisposeScope();
        var x = golden.Input("x").ToTensor();
        int height = (int)x.size(2), width = (int)x.size(3);
        Tensor Permuted(string name) => x.index_select(0, tensor(golden.Input(name).Longs));
        foreach (string name in new[] { "mixup", "mixup_shared" })
            golden.Expected($"{name}.output")
                .AssertClose(Mixers.Mixup(x, Permuted($"{name}.perm"), golden.Input($"{name}.lam").Floats), 1e-6, name);

        var shares = golden.Input("rand_bbox.lam").Floats;
        var centres = golden.Input("rand_bbox.centre_xy").Longs.Chunk(2).ToArray();
        var boxes = shares.Zip(centres, (share, c) => MixBox.Around((int)c[0], (int)c[1], height, width, share))
            .ToArray();
        Assert.Equal(golden.Expected("rand_bbox.box_x1y1x2y2").Longs.Chunk(4).Select(XBox), boxes);
        golden.Expected("rand_bbox.new_lam")
            .AssertValues([.. boxes.Select(b => (double)b.Share(height, width))], 1e-6, "new_lam");

        var box = XBox(golden.Input("cutmix.box_x1y1x2y2").Longs);
        golden.Expected("cutmix.lam").AssertValues([box.Share(height, width)], 1e-6, "cutmix.lam");
        golden.Expected("cutmix.output").AssertClose(Mixers.CutMix(x, Permuted("cutmix.perm"), [box]), 1e-6, "cutmix");
    }

    [Fact]
    public void InputMixMatchesTheOfficialCode()
    {
        var golden = Golden.Load("imix_mixers");
        using var scope = NewDisposeScope();
        var x = golden.Input("x").ToTensor();
        int rows = (int)x.size(0);
        foreach (string output in golden.ExpectedNames.Where(n => n.EndsWith(".output", StringComparison.Ordinal)))
        {
            if (!output.StartsWith("inputmix", StringComparison.Ordinal)) continue;
            string name = output[..^".output".Length];
            var permutations = golden.Input($"{name}.perms").Longs.Chunk(rows).ToList();
            var drawn = golden.Input($"{name}.raw_weights").Floats;
            // One auxiliary has one number a row: the first share of two.
            var rowsDrawn = permutations.Count == 1 ? drawn.Select(w => new[] { w, 1 - w })
                : drawn.Chunk(permutations.Count + 1);
            var coefficients = rowsDrawn.Select(IMix.InputMixCoefficients).ToList();
            golden.Expected($"{name}.coefficients").AssertValues(
                [.. Enumerable.Range(0, permutations.Count + 1)
                    .SelectMany(i => coefficients.Select(c => (double)c[i]))], 1e-6, $"{name}.coefficients");
            golden.Expected(output).AssertClose(Mixers.InputMix(x, permutations, coefficients), 1e-6, output);
        }
    }

    [Fact]
    public void SdmpsMixersMatchTheOfficialCode()
    {
        var golden = Golden.Load("sdmp_mixing");
        using var scope = NewDisposeScope();
        var x = golden.Input("x").ToTensor();
        int rows = (int)x.size(0), height = (int)x.size(2), width = (int)x.size(3);
        T[] PerImage<T>(T[] values) =>
            values.Length == rows || values.Length == 1 ? values : [.. values, .. values.Reverse()];
        double[] Shares(MixBox[] boxes) => [.. boxes.Select(b => (double)b.Share(height, width))];
        foreach (string output in golden.ExpectedNames.Where(n => n.EndsWith(".output", StringComparison.Ordinal)))
        {
            string name = output[..^".output".Length];
            // The release's mixing branch is never reached, which is not reproduced.
            if (name == "resizemix_head_released") continue;
            if (name.StartsWith("mixup", StringComparison.Ordinal))
            {
                golden.Expected(output).AssertClose(
                    Mixers.Mixup(x, x.flip(0), PerImage(golden.Input($"{name}.lam_drawn").Floats)), 1e-6, output);
                continue;
            }
            var boxes = PerImage(YBoxes(golden.Input($"{name}.box_y1y2x1x2")));
            bool resizes = name.StartsWith("resizemix", StringComparison.Ordinal);
            golden.Expected(output).AssertClose(resizes ? Mixers.ResizeMix(x, x.flip(0), boxes)
                : Mixers.CutMix(x, x.flip(0), boxes), 1e-6, output);
            // Later releases took the area before its sides were made even.
            if (name == "resizemix_head_fixed") CheckSides(golden, name, boxes, height, width);
            else golden.Expected(resizes ? $"{name}.new_lam" : $"{name}.lam")
                .AssertValues(Shares(boxes), 1e-6, $"{name}: λ");
        }
    }

    private static void CheckSides(GoldenFile golden, string name, MixBox[] boxes, int height, int width)
    {
        var sides = golden.Input("resizemix.lam")
            .Floats.Select(share => MixBox.Sides(height, width, share * 0.8f + 0.1f)).ToArray();
        Assert.Equal(sides.Select(s => (s.Height / 2 * 2, s.Width / 2 * 2)),
            boxes.Select(b => (b.Bottom - b.Top, b.Right - b.Left)));
        golden.Expected($"{name}.new_lam").AssertValues(
            [.. sides.Select(s => 1 - s.Height * s.Width / (double)(height * width))], 1e-6, $"{name}: λ");
    }
}
