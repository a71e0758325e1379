using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class MaskingNoiseGoldenTests
{
    [Fact]
    public void MasksMatchTheOfficialCode()
    {
        var golden = Golden.Load("imix_tabular_mask");
        double probability = golden.Params.GetProperty("inputdrop").GetDouble();
        using var scope = NewDisposeScope();
        foreach (string view in golden.ExpectedNames)
        {
            string form = view[..view.IndexOf('.')], number = view[(view.LastIndexOf('_') + 1)..];
            var rows = golden.Input($"{form}.x").ToTensor();
            // The code draws for the masked columns alone, which come first.
            var drawn = golden.Input($"{form}.uniform_{number}").ToTensor();
            int columns = (int)rows.size(1), masked = (int)drawn.size(1);
            var uniforms = cat([drawn, zeros(rows.size(0), columns - masked)], 1);
            var result = MaskingNoise.Apply(rows, uniforms,
                MaskingNoise.Probabilities(columns, Enumerable.Range(0, masked), probability));
            golden.Expected(view).AssertClose(result, 1e-8, view);
        }
    }
}
