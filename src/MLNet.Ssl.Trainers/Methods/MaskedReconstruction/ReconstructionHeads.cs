using MLNet.Ssl.Data;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>What is reconstructed.</summary>
/// <param name="Columns">Width D of a row.</param>
/// <param name="Categories">Slots that are the indicators of one category each.</param>
/// <param name="ValueWeight">α, the weight of values beside that of the mask.</param>
/// <param name="Layers">Layers of each head.</param>
internal sealed record ReconstructionTarget(int Columns, IReadOnlyList<Range> Categories, double ValueWeight,
    int Layers);

/// <summary>The two heads of masked reconstruction and their loss: which units of a row were
/// changed, and its values.</summary>
/// <remarks>A unit is a slot, or all slots of a category.</remarks>
internal sealed class ReconstructionHeads : nn.Module<Tensor, Tensor>, IKeepsSinglePrecision
{
    private readonly ReconstructionTarget _target;
    private readonly DeviceTensors _slots;
    private readonly MlpHead mask;
    private readonly MlpHead value;

    public ReconstructionHeads(int features, ReconstructionTarget target, Generator generator)
        : base(nameof(ReconstructionHeads))
    {
        _target = target;
        long[] units = SlotUnits.Of(target.Columns, target.Categories);
        long[] plain = [.. Enumerable.Range(0, target.Columns)
            .Where(slot => !target.Categories.Any(c => slot >= c.Start.Value && slot < c.End.Value))
            .Select(slot => (long)slot)];
        Units = units[^1] + 1;
        _slots = new(device => [NativeTensor.On(device, units), NativeTensor.On(device, plain)]);
        var options = new MlpHeadOptions(features) { Layers = target.Layers, BatchNorm = target.Layers > 1 };
        mask = new(options with { OutputDimension = (int)Units }, generator);
        value = new(options with { OutputDimension = target.Columns }, generator);
        RegisterComponents();
    }

    /// <summary>Number U of units.</summary>
    public long Units { get; }

    /// <summary>Features (B, F) to logits of "was changed" and the row's values, (B, U + D).</summary>
    public override Tensor forward(Tensor features) => cat([mask.call(features), value.call(features)], 1);

    /// <summary>
    /// Mean over rows and units of the cross entropy of "was changed", and α times that of the values' error: squared
    /// for a slot, cross entropy for a category.
    /// </summary>
    /// <param name="output">Of the corrupted rows, (B, U + D).</param>
    /// <param name="clean">The rows as they are, (B, D).</param>
    /// <param name="corrupted">(B, D).</param>
    public Tensor Loss(Tensor output, Tensor clean, Tensor corrupted)
    {
        var loss = MaskLoss(output.narrow(1, 0, Units), Changed(clean, corrupted));
        return loss.Add(ValueLoss(output.narrow(1, Units, _target.Columns), clean).Mul(_target.ValueWeight));
    }

    /// <summary>(B, U): 1 where a unit of the two rows differs.</summary>
    public Tensor Changed(Tensor clean, Tensor corrupted)
    {
        using var noGrad = no_grad();
        var differs = clean.ne(corrupted).to(ScalarType.Float32);
        var counts = zeros([clean.size(0), Units], ScalarType.Float32, clean.device);
        return counts.scatter_add(1, _slots.On(clean.device)[0].unsqueeze(0).expand(clean.shape), differs).ClampMax(1);
    }

    /// <summary>Binary cross entropy of logits (B, U), mean over all.</summary>
    public static Tensor MaskLoss(Tensor logits, Tensor changed) =>
        nn.functional.binary_cross_entropy_with_logits(logits, changed);

    /// <summary>The error of predicted rows (B, D), mean over rows and units.</summary>
    public Tensor ValueLoss(Tensor predicted, Tensor clean)
    {
        var slots = _slots.On(clean.device)[1];
        var difference = predicted.index_select(1, slots) - clean.index_select(1, slots);
        var sum = (difference * difference).sum();
        foreach (var category in _target.Categories)
        {
            var (start, length) = (category.Start.Value, SlotUnits.Length(category));
            var logP = nn.functional.log_softmax(predicted.narrow(1, start, length), 1);
            sum = sum.Add((logP * clean.narrow(1, start, length)).sum().neg());
        }
        return sum.Div(Units * clean.size(0));
    }

    /// <summary>Releases what is no parameter.</summary>
    public void Free() => _slots.Dispose();
}
