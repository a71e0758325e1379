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
        golden.Expected($"{variant}.common")
            .AssertValues([.. Sdmp.Common(shares).Select(c => (double)c)], 1e-5, "common");
        var q1 = golden.Input("q1").ToTensor().requires_grad_();
        var clean = MoCoV3.Loss(q1, golden.Input("k2").ToTensor(), temperature);
        clean.backward();
        golden.Expected($"{variant}.loss_source").AssertClose(clean, 1e-5, "loss_source");
        golden.Expected($"{variant}.grad_q1.source").AssertClose(q1.grad!, 1e-5, "grad_q1");
        (Tensor Source, Tensor Mixed) Terms(Tensor query) =>
            MoCoV3.MixedTerms(query, golden.Input("k1").ToTensor(), golden.Input("k1_mix").ToTensor(), shares,
                temperature, logMixture);
        var (forSource, forMixed) =
            (golden.Input("q2_mix").ToTensor().requires_grad_(), golden.Input("q2_mix").ToTensor().requires_grad_());
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
        Tensor Mix(Tensor x, string boxes) =>
            mixes ? Mixers.ResizeMix(x, x.flip(0), MixersGoldenTests.YBoxes(golden.Input($"{variant}.{boxes}"))) : x;
        var terms = networks.Method.Replace(x1, x2, Mix(x1, "boxes_x1mix_y1y2x1x2"), Mix(x2, "boxes_x2mix_y1y2x1x2"),
            golden.Input($"{variant}.lam").Floats, p.GetProperty("momentum").GetDouble());
        golden.Expected($"{variant}.losses")
            .AssertValues([terms.Clean.ToSingle(), terms.Source.ToSingle(), terms.Mixed.ToSingle()], 1e-4, "losses");
        var gradient = networks.Gradients(terms.Clean + terms.Source + terms.Mixed);
        string prefix = $"{variant}.grad.";
        foreach (string name in golden.ExpectedNames.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)))
            golden.Expected(name).AssertClose(gradient(name[prefix.Length..]), 1e-4, name);
        var moved = networks.Method.Pair.Target.state_dict()["backbone.lin.bias"];
        golden.Expected($"{variant}.momentum_encoder_after.lin.bias").AssertClose(moved, 1e-4, "momentum encoder");
    }

    /// <summary>The file is no official reference; where the paper differs it would win, but these
    /// building blocks are the paper's.</summary>
    [Fact]
    public void DinosTermsMatchTheTransferOfTheOfficialOnes()
    {
        var golden = Golden.Load("sdmp_dino_terms");
        var p = golden.Params;
        double temperature = p.GetProperty("teacher_temp").GetDouble();
        var shares = golden.Input("lam").Floats;
        using var scope = NewDisposeScope();
        using var loss = new DinoLoss(p.GetProperty("out_dim").GetInt64(), p.GetProperty("student_temp").GetDouble());
        loss.Center.copy_(golden.Input("center").ToTensor());
        golden.Expected("common").AssertValues([.. Sdmp.Common(shares).Select(c => (double)c)], 1e-5, "common");

        var students = new[] { 1, 2 }.Select(v => golden.Input($"student_{v}").ToTensor().requires_grad_()).ToArray();
        var clean = loss.Forward(cat(students, 0),
            cat([golden.Input("teacher_1").ToTensor(), golden.Input("teacher_2").ToTensor()], 0), temperature).Loss;
        clean.backward();
        golden.Expected("loss_source_official_dino").AssertClose(clean, 1e-5, "clean");
        for (int v = 1; v <= 2; v++)
            golden.Expected($"grad_student_{v}.source").AssertClose(students[v - 1].grad!, 1e-5, $"grad_student_{v}");

        foreach (var (teacher, student) in new[] { (1, 2), (2, 1) })
        {
            Check("source", "teacher", Sdmp.SourceTargets(shares, CPU));
            Check("mix", "teacher_mix", Sdmp.MixedTargets(shares, CPU));

            void Check(string term, string of, SoftTargets targets)
            {
                var mixed = golden.Input($"student_mix_{student}").ToTensor().requires_grad_();
                var value = loss.Mixed(mixed,
                    loss.Probabilities(golden.Input($"{of}_{teacher}").ToTensor(), temperature), targets);
                value.backward();
                golden.Expected($"loss_mix_{term}_t{teacher}_s{student}")
                    .AssertClose(value, 1e-5, $"{term} t{teacher} s{student}");
                golden.Expected($"grad_student_mix_{student}.mix_{term}")
                    .AssertClose(mixed.grad!, 1e-5, $"gradient of {term} s{student}");
            }
        }
    }
}
