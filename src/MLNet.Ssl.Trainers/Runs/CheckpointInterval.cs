using System.Globalization;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Options;

namespace MLNet.Ssl;

/// <summary>How often a run writes a checkpoint: by steps, epochs or time. One is also written at the end of a run
/// and when it is cancelled.</summary>
public sealed record CheckpointInterval
{
    private readonly long _steps, _epochs;
    private readonly TimeSpan _time;

    private CheckpointInterval(long steps, long epochs, TimeSpan time) =>
        (_steps, _epochs, _time) = (steps, epochs, time);

    /// <summary>After so many optimiser steps.</summary>
    /// <param name="steps">1 and up.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="steps"/> is below 1.</exception>
    public static CheckpointInterval Steps(long steps)
    {
        Check.AtLeast(steps, 1, "CheckpointEvery");
        return new(steps, 0, default);
    }

    /// <summary>At the end of every epoch, or of so many.</summary>
    /// <param name="epochs">1 and up.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="epochs"/> is below 1.</exception>
    public static CheckpointInterval Epochs(int epochs = 1)
    {
        Check.AtLeast(epochs, 1, "CheckpointEvery");
        return new(0, epochs, default);
    }

    /// <summary>After the first step that ends so much time behind the last checkpoint.</summary>
    /// <param name="time">Above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is not above 0.</exception>
    public static CheckpointInterval Time(TimeSpan time)
    {
        Check.Positive(time.TotalSeconds, "CheckpointEvery");
        return new(0, 0, time);
    }

    /// <summary>Whether one is due before the step that <paramref name="next"/> stands at.</summary>
    internal bool IsDue(StepClock next, TimeSpan sinceLast) =>
        _steps > 0 ? next.Step % _steps == 0
        : _epochs > 0 ? next.Step % (_epochs * next.StepsPerEpoch) == 0
        : sinceLast >= _time;

    /// <summary>Such as "10 steps".</summary>
    public override string ToString() =>
        _steps > 0 ? $"{_steps} steps" : _epochs > 0 ? $"{_epochs} epochs"
            : _time.ToString("c", CultureInfo.InvariantCulture);
}
