namespace MLNet.Ssl;

/// <summary>Learning-rate, weight-decay, momentum and temperature schedules: pure functions of the step or the epoch.</summary>
/// <remarks>Steps and epochs count from 0. Each schedule is one of the published ones; they differ in their end points, so they are not merged.</remarks>
public static class Schedules
{
    /// <summary>DINO's per-step schedule: linear warm-up, then cosine from <paramref name="baseValue"/> to <paramref name="finalValue"/>.</summary>
    /// <remarks>
    /// The warm-up includes both its end points, so the base value occurs twice: at the last warm-up step and at the first cosine step.
    /// The cosine divides by the number of its steps, so the final value is approached and never reached.
    /// Source: <c>cosine_scheduler</c> of the official DINO repository.
    /// </remarks>
    /// <param name="step">Global step, 0 ≤ step &lt; <paramref name="totalSteps"/>.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    /// <param name="warmupSteps">Steps of the warm-up; 0 for none.</param>
    /// <param name="baseValue">Value at the end of the warm-up.</param>
    /// <param name="finalValue">Value the cosine approaches.</param>
    /// <param name="startValue">Value of the first warm-up step.</param>
    public static double WarmupCosine(long step, long totalSteps, long warmupSteps, double baseValue, double finalValue, double startValue = 0)
    {
        if (step < warmupSteps)
            return warmupSteps == 1 ? startValue : startValue + (baseValue - startValue) * step / (warmupSteps - 1);
        return HalfCosine(step - warmupSteps, totalSteps - warmupSteps, baseValue, finalValue);
    }

    /// <summary>SimCLR's per-step schedule: linear from 0 over the warm-up, then cosine to 0 over the remaining steps.</summary>
    /// <param name="step">Global step.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    /// <param name="warmupSteps">Steps of the warm-up; 0 for none.</param>
    /// <param name="baseValue">Value at the end of the warm-up.</param>
    public static double SimClr(long step, long totalSteps, long warmupSteps, double baseValue) =>
        step < warmupSteps ? baseValue * step / warmupSteps : HalfCosine(step - warmupSteps, totalSteps - warmupSteps, baseValue, 0);

    /// <summary>DINO's teacher temperature: linear over the first epochs, end point included, then constant.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up; 0 for none.</param>
    /// <param name="warmupValue">Temperature of the first epoch when there is a warm-up.</param>
    /// <param name="finalValue">Temperature from the last warm-up epoch on.</param>
    public static double TeacherTemperature(int epoch, int warmupEpochs, double warmupValue, double finalValue) =>
        epoch >= warmupEpochs ? finalValue
        : warmupEpochs == 1 ? warmupValue
        : warmupValue + (finalValue - warmupValue) * epoch / (warmupEpochs - 1);

    private static double HalfCosine(long step, long steps, double start, double end) =>
        steps <= 0 ? end : end + 0.5 * (start - end) * (1 + Math.Cos(Math.PI * step / steps));
}
