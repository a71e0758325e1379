using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class LarsGoldenTests
{
    [Theory]
    [InlineData("moco_v3", LarsMomentum.RateOutside)]
    [InlineData("simclr_classic", LarsMomentum.RateInside)]
    [InlineData("simclr_classic_nesterov", LarsMomentum.Nesterov)]
    [InlineData("simclr_popular", LarsMomentum.Popular)]
    public void StepsMatchTheOfficialCode(string variant, LarsMomentum form)
    {
        var golden = Golden.Load("lars");
        var p = golden.Params;
        var names = p.GetProperty("parameters").EnumerateArray().Select(n => n.GetString()!).ToArray();
        var excluded = p.GetProperty("simclr_exclude").EnumerateArray().Select(n => n.GetString()!).ToArray();
        var rates = p.GetProperty("lr_per_step").EnumerateArray().Select(r => r.GetDouble()).ToArray();
        using var scope = NewDisposeScope();
        using var network = new Named(names.Select(n => golden.Input("param." + n).ToTensor()));
        using var flat = new FlatParameters(network, (slot, parameter) =>
            variant == "moco_v3" ? FlatParameters.ByRank(slot, parameter)
            : excluded.Any(e => names[Index(slot)].Contains(e, StringComparison.Ordinal)) ? FlatParameters.Undecayed
            : FlatParameters.Decayed);
        using var gradients = new GradientBuffer(flat);
        using var lars =
            new Lars(form, p.GetProperty("momentum").GetDouble(), p.GetProperty("trust_coefficient").GetDouble());
        for (int step = 1; step <= rates.Length; step++)
        {
            var slots = flat.Groups.SelectMany(g => g.Slots).ToList();
            for (int i = 0; i < slots.Count; i++)
                gradients.Views[i].copy_(golden.Input($"grad_step{step}.{names[Index(slots[i].Name)]}").ToTensor());
            for (int g = 0; g < flat.Groups.Count; g++)
                lars.Step(flat.Groups[g], gradients.Flat[g], rates[step - 1],
                    p.GetProperty("weight_decay").GetDouble());
            foreach (var slot in slots)
            {
                string name = $"{variant}.step{step}.{names[Index(slot.Name)]}";
                golden.Expected(name).AssertClose(slot.Parameter, 1e-6, name);
            }
        }
    }

    private static int Index(string slot) => int.Parse(slot[1..]);

    private sealed class Named : nn.Module
    {
        public Named(IEnumerable<Tensor> values) : base(nameof(Named))
        {
            int i = 0;
            foreach (var value in values) register_parameter($"p{i++}", nn.Parameter(value));
        }
    }
}
