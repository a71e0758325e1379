using MLNet.Ssl.FineTuning;
using MLNet.Ssl.Options;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>Options of <see cref="Distiller"/> (SimCLR v2: Chen et al., arXiv 2006.10029,
/// section 2, Eq. 2 and 3).</summary>
/// <remarks>
/// A student that starts at random learns at four times fine-tuning's rates. The gradient is τ times that of labels
/// (with τ² in the loss, else 1/τ times), to which AdamW and LARS are blind; SGD's rate at Auto makes up for it.
/// </remarks>
public sealed record DistillOptions : SupervisedOptions
{
    /// <summary>The student's network.</summary>
    /// <value>Default null: the teacher's own, without projection head (self-distillation).</value>
    public BackboneOptions? Student { get; init; }

    /// <summary>Starts a student of the teacher's architecture from the teacher's weights,
    /// instead of from random ones.</summary>
    /// <value>Default false.</value>
    public bool StartFromTeacher { get; init; }

    /// <summary>τ.</summary>
    /// <value>Auto: 0.1 for self-distillation, 1 for another student, as published. Range above 0.</value>
    public double? Temperature { get; init; }

    /// <summary>α, the weight of the teacher's labels; the rest is that of the true
    /// ones, where an image has one.</summary>
    /// <value>Default 1: the teacher's alone, on all images. Range 0 to 1.</value>
    public double Alpha { get; init; } = 1;

    /// <summary>Multiplies the teacher's term by τ², as the official code does and the paper does not.</summary>
    /// <value>Default true.</value>
    public bool TemperatureSquared { get; init; } = true;

    internal override string Name => "Distillation";

    /// <summary>Resolves and checks the options for a teacher of this backbone.</summary>
    internal SupervisedSettings PlanFor(BackboneOptions teacher, int rows, int imageSize, Choices choices)
    {
        double temperature = choices.Choose(
            Temperature, Student is null ? 0.1 : 1, Student is null ? "for self-distillation" : "for another student");
        Check.Positive(temperature, nameof(Temperature));
        Student?.Validate();
        if (Student is not null && StartFromTeacher)
        {
            throw new ArgumentException(
                "StartFromTeacher is true, but Student names a network of its own; set one of them.",
                nameof(StartFromTeacher));
        }
        Check.InRange(Alpha, 0, 1);
        // The rate follows from the temperature.
        var told = this with { Temperature = temperature };
        return told.Plan(Student ?? teacher, rows, imageSize, choices) with { Temperature = temperature };
    }

    private protected override double DefaultRate(OptimizerKind optimizer)
    {
        double rate = (StartFromTeacher ? 1 : 4) * base.DefaultRate(optimizer);
        if (optimizer != OptimizerKind.Sgd || Temperature is not { } temperature) return rate;
        return TemperatureSquared ? rate / temperature : rate * temperature;
    }
}
