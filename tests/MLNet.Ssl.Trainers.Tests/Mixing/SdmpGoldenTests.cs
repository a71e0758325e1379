using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class SdmpGoldenTests
{
    [Theory]
    [InlineData("v01", false)]
    [InlineData("head", true)]
    public void TermsMatchTheOfficialCode(string variant, bool logMixture)
    {
        var golden = Golden.Load("sdmp_moco_terms");
        double temperature = golden.Params.GetProperty("T").GetDouble();
        var shares = golden.Input($"{variant}.lam").Floats;
        using var scope = NewDisposeScope();
        golden.Expected($"{variant}.common").AssertValues([.. Sdmp.Common(shares).Select(c => (double)c)], 1e-5, "common");
        var q1 = golden.Input("q1").ToTensor().requires_grad_();
        var clean = MoCoV3.Loss(q1, golden.Input("k2").ToTensor(), temperature);
        clean.backward();
        golden.Expected($"{variant}.loss_source").AssertClose(clean, 1e-5, "loss_source");
        golden.Expected($"{variant}.grad_q1.source").AssertClose(q1.grad!, 1e-5, "grad_q1");
        (Tensor Source, Tensor Mixed) Terms(Tensor query) =>
            MoCoV3.MixedTerms(query, golden.Input("k1").ToTensor(), golden.Input("k1_mix").ToTensor(), shares, temperature, logMixture);
        var (forSource, forMixed) = (golden.Input("q2_mix").ToTensor().requires_grad_(), golden.Input("q2_mix").ToTensor().requires_grad_());
        var (source, mixed) = (Terms(forSource).Source, Terms(forMixed).Mixed);
        source.backward();
        mixed.backward();
        golden.Expected($"{variant}.loss_mix_source_half").AssertClose(source, 1e-5, "loss_mix_source_half");
        golden.Expected($"{variant}.loss_mix_mix_half").AssertClose(mixed, 1e-5, "loss_mix_mix_half");
        golden.Expected($"{variant}.grad_q2_mix.mix_source_half").AssertClose(forSource.grad!, 1e-5, "grad of source");
        golden.Expected($"{variant}.grad_q2_mix.mix_mix_half").AssertClose(forMixed.grad!, 1e-5, "grad of mixed");
        golden.Expected($"{variant}.loss_total").AssertClose(clean + source + mixed, 1e-5, "loss_total");
    }

    [Theory]
    [InlineData("v01", false, true)]
    [InlineData("head_fixed", true, true)]
    [InlineData("head_released", true, false)]
    public void TheWholeStepMatchesTheOfficialCode(string variant, bool logMixture, bool mixes)
    {
        var golden = Golden.Load("sdmp_moco_forward");
        var p = golden.Params;
        using var networks = new GoldenMoCoV3(golden, new SdmpOptions { LogMixture = logMixture });
        using var scope = NewDisposeScope();
        var (x1, x2) = (golden.Input("x1").ToTensor(), golden.Input("x2").ToTensor());
        if (p.GetProperty("swapped").GetBoolean()) (x1, x2) = (x2, x1);
        Tensor Mix(Tensor x, string boxes) => mixes ? Mixers.ResizeMix(x, x.flip(0), MixersGoldenTests.YBoxes(golden.Input($"{variant}.{boxes}"))) : x;
        var terms = networks.Method.Replace(x1, x2, Mix(x1, "boxes_x1mix_y1y2x1x2"), Mix(x2, "boxes_x2mix_y1y2x1x2"),
            golden.Input($"{variant}.lam").Floats, p.GetProperty("momentum").GetDouble());
        golden.Expected($"{variant}.losses").AssertValues([terms.Clean.ToSingle(), terms.Source.ToSingle(), terms.Mixed.ToSingle()], 1e-4, "losses");
        var gradient = networks.Gradients(terms.Clean + terms.Source + terms.Mixed);
        string prefix = $"{variant}.grad.";
        foreach (string name in golden.ExpectedNames.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)))
            golden.Expected(name).AssertClose(gradient(name[prefix.Length..]), 1e-4, name);
        golden.Expected($"{variant}.momentum_encoder_after.lin.bias").AssertClose(networks.Method.Pair.Target.state_dict()["backbone.lin.bias"], 1e-4, "momentum encoder");
    }
}
