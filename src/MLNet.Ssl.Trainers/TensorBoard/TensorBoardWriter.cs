using System.Globalization;
using Google.Protobuf;
using MLNet.Ssl.TensorBoard;

namespace MLNet.Ssl;

/// <summary>
/// Writes the progress of a run as an event file for TensorBoard: <c>tensorboard --logdir folder</c> draws it, also
/// while the run goes on.
/// </summary>
/// <remarks>
/// The scalars are loss, learning_rate, embedding_std, teacher_entropy, teacher_momentum, rows_per_second,
/// data_wait, knn, validation, rankme, alignment and uniformity, by step; those that a method or a step does not have
/// are left out. Every report is flushed. Give each run a folder of its own, or TensorBoard draws them as
/// one. Safe to use from several threads.
/// </remarks>
/// <example><code>
/// using var board = new TensorBoardWriter("runs/simclr");
/// var options = new SimClrOptions { Progress = board };
/// </code></example>
public sealed class TensorBoardWriter : IProgress<TrainingProgress>, IDisposable
{
    private const string FileVersion = "brain.Event:2";

    private static int _files;

    private readonly Lock _gate = new();
    private readonly FileStream _stream;
    private bool _disposed;

    /// <summary>Begins an event file.</summary>
    /// <param name="folder">The run's folder; it is made where it does not exist.</param>
    /// <exception cref="ArgumentException">The folder's name is empty.</exception>
    /// <exception cref="IOException">The folder or the file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public TensorBoardWriter(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        Directory.CreateDirectory(folder);
        // Process and count tell files of one second apart, as TensorFlow's own writers do.
        FilePath = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture,
            $"events.out.tfevents.{(long)Now():D10}.{Environment.MachineName}.{Environment.ProcessId}."
            + $"{Interlocked.Increment(ref _files)}"));
        _stream = new(FilePath, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Write(new() { WallTime = Now(), FileVersion = FileVersion });
    }

    /// <summary>The event file.</summary>
    public string FilePath { get; }

    /// <summary>Writes the scalars of a step.</summary>
    /// <param name="value">The state of the run.</param>
    /// <exception cref="IOException">The file cannot be written, say because the disk is full.</exception>
    /// <exception cref="ObjectDisposedException">The writer was disposed of.</exception>
    public void Report(TrainingProgress value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var summary = new SummaryMessage();
        Add("loss", value.Loss);
        Add("learning_rate", value.LearningRate);
        Add("embedding_std", value.EmbeddingStd);
        Add("teacher_entropy", value.TeacherEntropy);
        Add("teacher_momentum", value.TeacherMomentum);
        Add("rows_per_second", value.RowsPerSecond);
        Add("data_wait", value.DataWait);
        Add("knn", value.KnnAccuracy);
        Add("validation", value.ValidationAccuracy);
        Add("rankme", value.RankMe);
        Add("alignment", value.Alignment);
        Add("uniformity", value.Uniformity);
        Write(new() { WallTime = Now(), Step = value.Step, Summary = summary });

        void Add(string tag, double? scalar)
        {
            if (scalar is { } number) summary.Value.Add(
                new SummaryMessage.Types.Value { Tag = tag, SimpleValue = (float)number });
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _stream.Dispose();
        }
    }

    private static double Now() => (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).TotalSeconds;

    private void Write(EventMessage message)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            RecordStream.Write(_stream, message.ToByteArray());
            _stream.Flush();
        }
    }
}
