using MLNet.Ssl.Checkpoints;
using MLNet.Ssl.Distributed;
using MLNet.Ssl.Methods;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Runs;
using MLNet.Ssl.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Training;

/// <summary>
/// The one loop, of pretraining, fine-tuning and distillation: views → method → gradients → update → progress,
/// alarm, evaluation and checkpoints.
/// </summary>
internal sealed class TrainingRun
{
    /// <summary>Where progress goes, and what cancels the run.</summary>
    public required TrainingOptions Options { get; init; }

    /// <summary>Epochs, batch and threads.</summary>
    public required TrainingSettings Settings { get; init; }

    /// <summary>What is trained.</summary>
    public required Method Method { get; init; }

    /// <summary>How its parameters are moved.</summary>
    public required OptimizationPlan Plan { get; init; }

    /// <summary>What it learns from.</summary>
    public required IViewSource Views { get; init; }

    /// <summary>Where the method is.</summary>
    public required Device Device { get; init; }

    /// <summary>The seed that the order of the rows and random numbers of steps follow from.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Where it is saved and resumed.</summary>
    public required RunCheckpoints Checkpoints { get; init; }

    /// <summary>What tells the run from others but for its data, by name.</summary>
    public required IReadOnlyDictionary<string, string> Identity { get; init; }

    /// <summary>Receives warnings.</summary>
    public required Action<TrainingMessage>? Log { get; init; }

    /// <summary>Measures what is learned between epochs; null for none.</summary>
    public RunEvaluator? Evaluator { get; init; }

    /// <summary>Measures embeddings without labels; null for not at all.</summary>
    public QualityProbe? Quality { get; init; }

    /// <summary>Whether embeddings are watched for a collapse, which labels rule out.</summary>
    public bool WatchesForCollapse { get; init; }

    /// <summary>
    /// Trains to the end, or until the options or the evaluation end it, from the beginning or from a checkpoint.
    /// </summary>
    /// <exception cref="ArgumentException">Several processes were started with different options or data.</exception>
    /// <exception cref="ArithmeticException">The loss is not finite.</exception>
    /// <exception cref="OperationCanceledException">The options' token was cancelled;
    /// what was learned is saved.</exception>
    public void Run()
    {
        try
        {
            Train();
        }
        finally
        {
            RunLog.End(Options);
        }
    }

    private void Train()
    {
        var ranks = Communicator.Current;
        int batch = Settings.BatchSize, threads = Settings.Threads;
        int shards = TrainingStep.ShardsFor(Method, batch / ranks.Count, threads, Device.type);
        using var tf32 = TensorFloat32.Use(Settings.Precision != Precision.Float32);
        var batches = EpochBatches.Of(Views.Count, batch, Method.PartialBatchMultiple * shards * ranks.Count);
        using var step = new TrainingStep(Method, Plan, shards, threads, SplitMix64.Hash(Seed, 2));
        var alarm = new CollapseAlarm();
        var run = new Lazy<IReadOnlyDictionary<string, string>>(() =>
            RunIdentity.Of(Identity, Views.Count, Views.Fingerprint, Device.type));
        RunIdentity.CheckRanks(() => run.Value);
        var (clock, alarmCounts) = ranks.Together(() => Checkpoints.Start(
            new(0, batches.Steps, Settings.Epochs), step.State, () => run.Value, saved => Method.Misfit(saved, batch)));
        if (ranks.Count > 1)
        {
            Log?.Invoke(
                new(false, $"{ranks.Description}: each passes {batch / ranks.Count} of a step's {batch} rows."));
            clock = clock with { Step = ranks.Broadcast(clock.Step)[0] };
            Share(ranks, step.State);
        }
        if (alarmCounts is not null) alarm.Counts = alarmCounts;
        Evaluator?.GoOn(Checkpoints.GoOnScoring(() => Evaluator.Measure));
        using var loader =
            new ViewLoader(Views, batches, Settings.Epochs, SplitMix64.Hash(Seed, 4), Device, clock.Step);
        var report = new RunReport(loader, clock.Step);
        var end = new RunEnd(Options, Evaluator, clock);
        var lines = new ProgressLines(line => Log?.Invoke(new(false, line)));

        ranks.IsTraining(true);
        // A run that has ended so and is resumed has nothing left to do.
        bool isOutOfPatience = ranks.Any(Evaluator?.IsOutOfPatience == true);
        for (; clock.Step < clock.TotalSteps && !isOutOfPatience; clock = clock.Next)
        {
            if (ranks.Any(Options.CancellationToken.IsCancellationRequested))
            {
                ranks.IsTraining(false);
                Cancel(step, clock, alarm);
            }
            using var scope = NewDisposeScope();
            var views = loader.Next();
            long rows = views[0].size(0);
            var output = step.Run(views, clock);
            report.Add(output.Loss, rows * ranks.Count);
            bool ends = ranks.Any(end.IsReached), saves = ends ? Checkpoints.IsBehind(clock.Next)
                : Checkpoints.IsDue(clock.Next);
            bool measures = Evaluator is not null && (ends || Evaluator.IsDueBefore(clock.Next));
            bool endsEpoch = ends || ProgressLines.EndsToldEpoch(clock.Next.Step, clock.TotalSteps, clock.Epochs);
            bool reports = report.IsDue || measures || endsEpoch;
            // Reading a loss waits for an accelerator; on a processor it is there already.
            if (Device.type == DeviceType.CPU || reports || saves) report.CheckFinite(clock);
            double? accuracy = null;
            if (reports)
            {
                var progress = report.Take(output, clock, Plan.LearningRate(clock), WatchesForCollapse);
                if (measures)
                {
                    (accuracy, bool best) = Measure(ranks, clock, ends);
                    if (accuracy is null && ranks.Count == 1) Cancel(step, clock.Next, alarm);
                    saves |= best && Checkpoints.AreWritten;
                    if (!ends && ranks.Count == 1 && end.IsReached)
                        (ends, saves) = (true, saves || Checkpoints.IsBehind(clock.Next));
                }
                if (Quality is not null && endsEpoch
                    && (Quality.IsCheap || ends || clock.Next.Step == clock.TotalSteps))
                    progress = Quality.Measure(progress);
                if (measures || progress.RankMe is not null) report.Restart();
                progress = progress with { TeacherMomentum = Method.TeacherMomentum(clock) };
                if (accuracy is { } measured) progress = Evaluator!.With(progress, measured);
                Options.Progress?.Report(progress);
                lines.Add(progress);
                if (WatchesForCollapse && alarm.Check(progress) is { } warning) Log?.Invoke(new(true, warning));
            }
            if (saves) Save(step, clock.Next, alarm, accuracy);
            if (!ends) continue;
            clock = clock.Next;
            break;
        }
        // A last step is followed by no loss that would tell. Rank 0 has the evaluator, and says for all.
        if (ranks.Rank == 0 && Evaluator is not { ReturnsBest: true } && !step.IsFinite) throw NotFinite(clock);
        Log?.Invoke(new(false, end.Describe(clock)));
        Evaluator?.TakeBest(Checkpoints);
        // Statistics that are a rank's own are rank 0's in the end, as in its checkpoints.
        if (ranks.Count > 1) Share(ranks, Method.State);
        ranks.IsTraining(false);
    }

    /// <summary>The accuracy and whether it is the best; null where the run was cancelled meanwhile.</summary>
    private (double? Accuracy, bool Best) Measure(Communicator ranks, StepClock clock, bool ends)
    {
        // Several processes agree at the next step that the run is cancelled, and behind the last one there is none.
        bool agrees = ranks.Count == 1 || !(ends || clock.Next.Step == clock.TotalSteps);
        var cancellation = agrees ? Options.CancellationToken : default;
        try
        {
            return (Evaluator!.MeasureAfter(clock, cancellation, out bool best), best);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return (null, false);
        }
    }

    /// <summary>Rank 0's state becomes that of all.</summary>
    private static void Share(Communicator ranks, IEnumerable<(string Name, Tensor Value)> state)
    {
        foreach (var (_, value) in state) ranks.Broadcast_(value);
        MixedPrecision.Refresh(state.Select(entry => entry.Value));
    }

    private void Cancel(TrainingStep step, StepClock clock, CollapseAlarm alarm)
    {
        if (Checkpoints.IsBehind(clock)) Save(step, clock, alarm, null);
        Checkpoints.Cancel(clock);
    }

    private void Save(TrainingStep step, StepClock next, CollapseAlarm alarm, double? score)
    {
        if (!step.IsFinite) throw NotFinite(next, " No checkpoint of it is written.");
        Checkpoints.Write(next, alarm.Counts, score);
    }

    private static ArithmeticException NotFinite(StepClock next, string more = "") =>
        new($"the weights are not finite after step {next.Step}: lower LearningRate, or clip gradients.{more}");
}
