using static System.FormattableString;

namespace MLNet.Ssl.Training;

/// <summary>Notices early that a run collapses: all rows get the same embedding, or the teacher
/// the same output for all.</summary>
internal sealed class CollapseAlarm
{
    public const double LeastStd = 0.05;
    public const double MostEntropy = 0.999;
    public const double LeastEntropy = 1e-3;

    private const int Reports = 3;

    private int _lowStd;
    private int _uniform;
    private int _constant;

    /// <summary>How often each kind was seen in a row, for checkpoints.</summary>
    public IReadOnlyList<int> Counts
    {
        get => [_lowStd, _uniform, _constant];
        set => (_lowStd, _uniform, _constant) = (value[0], value[1], value[2]);
    }

    /// <summary>A warning that says what to change, or null. Each kind comes once.</summary>
    public string? Check(TrainingProgress progress)
    {
        // The first tenth tells nothing: an untrained network's outputs are alike.
        if (progress.Step * 10 < progress.TotalSteps) return null;
        if (Seen(ref _lowStd, progress.EmbeddingStd < LeastStd))
            return Invariant($"The embeddings collapse: their standard deviation is {progress.EmbeddingStd:0.000} ")
                + "(about 1 when spread out). Lower LearningRate, raise BatchSize, or strengthen the augmentation.";
        if (Seen(ref _uniform, progress.TeacherEntropy > MostEntropy))
            return Invariant($"The teacher's outputs collapse to uniform: entropy {progress.TeacherEntropy:0.0000} ")
                + "of its maximum. Lower TeacherTemperature (0.02 suits small data), or OutputDimension.";
        if (Seen(ref _constant, progress.TeacherEntropy < LeastEntropy))
            return Invariant($"The teacher's outputs collapse to one value: entropy {progress.TeacherEntropy:0.0000} ")
                + "of its maximum. Raise TeacherTemperature, or take Centering = SinkhornKnopp.";
        return null;
    }

    private static bool Seen(ref int count, bool now) =>
        (count = now ? count + 1 : count >= Reports ? count : 0) == Reports && now;
}
