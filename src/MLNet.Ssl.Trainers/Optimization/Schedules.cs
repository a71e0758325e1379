namespace MLNet.Ssl.Optimization;

/// <summary>Learning-rate, weight-decay, momentum and temperature schedules: pure functions
/// of the step or the epoch.</summary>
/// <remarks>Steps and epochs count from 0. Each schedule is one of the published ones; they differ in their end
/// points, so they are not merged.</remarks>
public static class Schedules
{
    /// <summary>DINO's per-step schedule: linear warm-up, then cosine from <paramref name="baseValue"/> to
    /// <paramref name="finalValue"/>.</summary>
    /// <remarks>
    /// The warm-up includes both its end points, so the base value occurs twice: at the last warm-up step and at the
    /// first cosine step. The cosine divides by the number of its steps, so the final value is approached and never
    /// reached. Source: <c>cosine_scheduler</c> of the official DINO repository.
    /// </remarks>
    /// <param name="step">Global step, 0 ≤ step &lt; <paramref name="totalSteps"/>.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    /// <param name="warmupSteps">Steps of the warm-up; 0 for none.</param>
    /// <param name="baseValue">Value at the end of the warm-up.</param>
    /// <param name="finalValue">Value the cosine approaches.</param>
    /// <param name="startValue">Value of the first warm-up step.</param>
    public static double WarmupCosine(long step, long totalSteps, long warmupSteps, double baseValue, double finalValue,
        double startValue = 0)
    {
        if (step < warmupSteps)
            return warmupSteps == 1 ? startValue : startValue + (baseValue - startValue) * step / (warmupSteps - 1);
        return HalfCosine(step - warmupSteps, totalSteps - warmupSteps, baseValue, finalValue);
    }

    /// <summary>MoCo v3's schedule over fractional epochs: linear from 0 over the warm-up, then cosine to 0;
    /// the first step has rate 0.</summary>
    /// <param name="epoch">Epoch with its fraction, e + i / steps per epoch.</param>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up; 0 for none.</param>
    /// <param name="baseValue">Value at the end of the warm-up.</param>
    public static double MoCoV3(double epoch, double epochs, double warmupEpochs, double baseValue) =>
        epoch < warmupEpochs ? baseValue * epoch / warmupEpochs
            : HalfCosine(epoch - warmupEpochs, epochs - warmupEpochs, baseValue, 0);

    /// <summary>Cosine to 0 by the epoch, constant within one: MoCo v2.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <param name="baseValue">Value of the first epoch.</param>
    public static double EpochCosine(int epoch, int epochs, double baseValue) =>
        HalfCosine(epoch, epochs, baseValue, 0);

    /// <summary>Steps down at every milestone, by default to a tenth: MoCo v1.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    /// <param name="milestones">Epochs from which another factor applies.</param>
    /// <param name="baseValue">Value before the first milestone.</param>
    /// <param name="factor">The factor.</param>
    public static double StepDecay(int epoch, IEnumerable<int> milestones, double baseValue, double factor = 0.1) =>
        baseValue * Math.Pow(factor, milestones.Count(m => epoch >= m));

    /// <summary>
    /// i-Mix's schedule: <see cref="EpochCosine"/> behind a warm-up, linear by the step, to the value that a cosine
    /// with the floor 0.001·<paramref name="baseValue"/> has at the warm-up's end. The first step is not 0.
    /// </summary>
    /// <param name="step">Global step, from 0.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up; 0 for none. Published: 10 for runs of
    /// more than 500 epochs, else 5.</param>
    /// <param name="baseValue">Peak of the cosine.</param>
    public static double IMix(long step, long stepsPerEpoch, int epochs, int warmupEpochs, double baseValue)
    {
        long warmup = warmupEpochs * stepsPerEpoch;
        return step < warmup
            ? HalfCosine(warmupEpochs, epochs, baseValue, 0.001 * baseValue) * (step + 1) / warmup
            : EpochCosine((int)(step / stepsPerEpoch), epochs, baseValue);
    }

    /// <summary>Momentum by a half cosine to 1: 1 − (1 − m)·½(1 + cos(π·t/E)), of BYOL (by step) and MoCo
    /// v3 (by fractional epoch).</summary>
    /// <param name="time">Step or fractional epoch.</param>
    /// <param name="end">Steps or epochs of the whole run.</param>
    /// <param name="startValue">m at the start.</param>
    public static double MomentumCosine(double time, double end, double startValue) =>
        HalfCosine(time, end, startValue, 1);

    /// <summary>SimCLR's and BYOL's per-step schedule: linear from 0 over the warm-up, then cosine to 0
    /// over the remaining steps.</summary>
    /// <param name="step">Global step.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    /// <param name="warmupSteps">Steps of the warm-up; 0 for none.</param>
    /// <param name="baseValue">Value at the end of the warm-up.</param>
    public static double SimClr(long step, long totalSteps, long warmupSteps, double baseValue) =>
        step < warmupSteps ? baseValue * step / warmupSteps
            : HalfCosine(step - warmupSteps, totalSteps - warmupSteps, baseValue, 0);

    /// <summary>DINO's teacher temperature: linear over the first epochs, end point included, then constant.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    /// <param name="warmupEpochs">Epochs of the warm-up; 0 for none.</param>
    /// <param name="warmupValue">Temperature of the first epoch when there is a warm-up.</param>
    /// <param name="finalValue">Temperature from the last warm-up epoch on.</param>
    public static double TeacherTemperature(int epoch, int warmupEpochs, double warmupValue, double finalValue) =>
        epoch >= warmupEpochs ? finalValue
        : warmupEpochs == 1 ? warmupValue
        : warmupValue + (finalValue - warmupValue) * epoch / (warmupEpochs - 1);

    private static double HalfCosine(double step, double steps, double start, double end) =>
        steps <= 0 ? end : end + 0.5 * (start - end) * (1 + Math.Cos(Math.PI * step / steps));
}
