using MLNet.Ssl.Evaluation;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <content>Choosing the learning rate without validation rows.</content>
public sealed partial class LinearProbe
{
    /// <summary>
    /// Chooses the learning rate on a part of each class's rows, then trains on all rows at that rate.
    /// </summary>
    /// <param name="features">Training features (N,D), float, on the device to train on.</param>
    /// <param name="labels">Class of each row (N), int64, 0 to <paramref name="numberOfClasses"/> − 1; at least two
    /// classes occur.</param>
    /// <param name="numberOfClasses">Number of classes C, at least 2.</param>
    /// <param name="options">Options; the last epoch's weights are kept. Null means the defaults.</param>
    /// <param name="fraction">Share of a class's rows that is held out, between 0 and 0.9: at least one row of a class
    /// that has two, unless it is 0. Not used where there is one learning rate.</param>
    /// <returns>The probe; its <see cref="Sweep"/> and <see cref="Chosen"/> tell of the choice, made on the rows held
    /// out.</returns>
    /// <exception cref="ArgumentException">Shapes that do not fit, features that are not finite, labels or options out
    /// of range; or no row is held out.
    /// </exception>
    /// <exception cref="InvalidOperationException">Training diverged at every learning rate.</exception>
    public static LinearProbe TrainHoldingOut(Tensor features, Tensor labels, int numberOfClasses,
        LinearProbeOptions? options = null, double fraction = 0.2)
    {
        options = (options ?? new()) with { KeepsBestEpoch = false };
        options.Validate();
        Check.InRange(fraction, 0, 0.9);
        if (options.LearningRates.Count == 1) return Train(features, labels, numberOfClasses, options);

        FeatureRows.Check(features, labels, numberOfClasses);
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var (trained, heldOut) = Split(labels.cpu().data<long>().ToArray(), fraction, options.Seed);
        if (heldOut.Length == 0)
        {
            throw new ArgumentException(
                $"No row of {labels.shape[0]} is held out to choose one of {options.LearningRates.Count} "
                + $"learning rates by: the fraction is {fraction}, and only classes of two rows or more can spare one. "
                + "Give a single learning rate.", nameof(fraction));
        }
        var (train, validation) = (tensor(trained), tensor(heldOut));
        var (x, y) = Rows(train);
        var (validationX, validationY) = Rows(validation);
        using var choice = Train(x, y, numberOfClasses, options, validationX, validationY);
        using var probe =
            Train(features, labels, numberOfClasses, options with { LearningRates = [choice.Chosen.LearningRate] });
        return new(probe._weight.clone().DetachFromDisposeScope(), probe._bias.clone().DetachFromDisposeScope(),
            choice.Sweep, choice.Chosen);

        (Tensor, Tensor) Rows(Tensor index) =>
            (features.index_select(0, index.to(features.device)), labels.index_select(0, index.to(labels.device)));
    }

    private static (long[] Trained, long[] HeldOut) Split(long[] labels, double fraction, int seed)
    {
        var random = new HostRandom((int)SplitMix64.Hash((ulong)seed, ulong.MaxValue));
        var (trained, heldOut) = (new List<long>(), new List<long>());
        foreach (var rows in random.Permutation(labels.Length).GroupBy(row => labels[row]).OrderBy(rows => rows.Key)
            .Select(rows => rows.ToArray()))
        {
            int spared = fraction == 0
                ? 0
                : Math.Min(rows.Length - 1, Math.Max(1, (int)Math.Round(fraction * rows.Length)));
            heldOut.AddRange(rows[..spared]);
            trained.AddRange(rows[spared..]);
        }
        return ([.. trained.Order()], [.. heldOut.Order()]);
    }
}
