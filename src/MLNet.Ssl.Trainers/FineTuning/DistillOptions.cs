using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>Options of <see cref="Distiller"/> (SimCLR v2: Chen et al., arXiv 2006.10029, section 2, Eq. 2 and 3).</summary>
/// <remarks>
/// A student that starts at random learns at four times fine-tuning's rates. The gradient is τ times that of labels (with τ² in the loss, else 1/τ times), to
/// which AdamW and LARS are blind; SGD's rate at Auto makes up for it.
/// </remarks>
public sealed record DistillOptions : SupervisedOptions
{
    /// <summary>The student's network.</summary>
    /// <value>Default null: the teacher's own, without projection head (self-distillation).</value>
    public BackboneOptions? Student { get; init; }

    /// <summary>Starts a student of the teacher's architecture from the teacher's weights, instead of from random ones.</summary>
    /// <value>Default false.</value>
    public bool StartFromTeacher { get; init; }

    /// <summary>τ.</summary>
    /// <value>Auto: 0.1 for self-distillation, 1 for another student, as published. Range above 0.</value>
    public double? Temperature { get; init; }

    /// <summary>α, the weight of the teacher's labels; the rest is that of the true ones, where an image has one.</summary>
    /// <value>Default 1: the teacher's alone, on all images. Range 0 to 1.</value>
    public double Alpha { get; init; } = 1;

    /// <summary>Multiplies the teacher's term by τ², as the official code does and the paper does not.</summary>
    /// <value>Default true.</value>
    public bool TemperatureSquared { get; init; } = true;

    private protected override double UsualRate(OptimizerKind optimizer)
    {
        double rate = (StartFromTeacher ? 1 : 4) * base.UsualRate(optimizer);
        return optimizer != OptimizerKind.Sgd ? rate : TemperatureSquared ? rate / Temperature!.Value : rate * Temperature!.Value;
    }

    internal override DistillOptions Resolve(BackboneOptions backbone, int rows, int imageSize) =>
        (DistillOptions)(this with { Temperature = Temperature ?? (Student is null ? 0.1 : 1) }).ResolveShared(Student ?? backbone, rows, imageSize);

    internal override void Validate(int rows)
    {
        // Before the rate, which follows from it.
        Check.Positive(Temperature!.Value, nameof(Temperature));
        base.Validate(rows);
        Student?.Validate();
        if (Student is not null && StartFromTeacher)
            throw new ArgumentException("StartFromTeacher is true, but Student names a network of its own; set one of them.", nameof(StartFromTeacher));
        Check.InRange(Alpha, 0, 1, nameof(Alpha));
    }
}
