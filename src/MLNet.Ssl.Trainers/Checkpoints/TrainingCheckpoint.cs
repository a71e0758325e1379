using System.Globalization;
using System.Text;
using MLNet.Ssl.Data;
using MLNet.Ssl.Tensors;
using MLNet.Ssl.Weights;
using static TorchSharp.torch;

namespace MLNet.Ssl.Checkpoints;

/// <summary>
/// The state of a run between two steps: a safetensors file with the tensors of the state by name, so that Python reads
/// it too, and in its metadata where the run stands, what it is, and a checksum of all of it.
/// </summary>
/// <param name="Step">Steps done.</param>
/// <param name="Run">What the run is (<see cref="RunIdentity"/>).</param>
/// <param name="Alarm">The collapse alarm's counts.</param>
/// <param name="Score">How good the encoder is, where that was measured; higher is better.</param>
/// <param name="Measure">How and on which rows that was measured: scores of another measure do not compare.</param>
internal sealed record TrainingCheckpoint(long Step, IReadOnlyDictionary<string, string> Run, IReadOnlyList<int> Alarm,
    double? Score, string? Measure = null)
{
    /// <summary>Numbers that the collapse alarm keeps.</summary>
    public const int AlarmCounts = 3;

    private const string Kind = "mlnet-ssl", KindValue = "training checkpoint, version 1";
    private const string StepKey = "step", AlarmKey = "alarm", ScoreKey = "score", MeasureKey = "measure",
        RunPrefix = "run.", ChecksumKey = "sha256";

    /// <summary>Writes the file whole or not at all.</summary>
    public void Write(string path, IReadOnlyList<(string Name, Tensor Value)> state)
    {
        var metadata = Metadata();
        metadata[ChecksumKey] = ChecksumOf(metadata, state);
        SafeTensors.Write(path, state.Select(entry => KeyValuePair.Create(entry.Name, entry.Value)), metadata);
    }

    /// <summary>Reads the file and the tensors, which belong to the caller's dispose scope.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or no training checkpoint.</exception>
    public static (TrainingCheckpoint Checkpoint, IReadOnlyDictionary<string, Tensor> State) Read(string path)
    {
        using var file = Checkpoint.Open(path);
        var metadata = new SortedDictionary<string, string>(file.Metadata.ToDictionary(), StringComparer.Ordinal);
        if (metadata.GetValueOrDefault(Kind) != KindValue)
            throw new InvalidDataException(
                $"'{path}' is no {KindValue}: its metadata have '{metadata.GetValueOrDefault(Kind)}' under '{Kind}'.");
        var state = ((IReadOnlyDictionary<string, object?>)file.Root!)
            .ToDictionary(entry => entry.Key, entry => ((StoredTensor)entry.Value!).Read());
        metadata.Remove(ChecksumKey, out var checksum);
        if (checksum != ChecksumOf(metadata, state.Select(entry => (entry.Key, entry.Value))))
            throw new InvalidDataException($"'{path}' is damaged: its checksum does not fit.");
        return (Parse(metadata, path), state);
    }

    /// <summary>The score alone, without reading the tensors; null also if the file cannot be read.</summary>
    public static double? ScoreOf(string path) => MeasuredOf(path)?.Score;

    /// <summary>The score and how it was measured; null where there is none, or the file cannot be read.</summary>
    public static (double Score, string? Measure)? MeasuredOf(string path)
    {
        try
        {
            using var file = Checkpoint.Open(path);
            return file.Metadata.TryGetValue(ScoreKey, out var text) && ParseScore(text) is { } score
                ? (score, file.Metadata.GetValueOrDefault(MeasureKey)) : null;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return null;
        }
    }

    private SortedDictionary<string, string> Metadata()
    {
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = "pt",
            [Kind] = KindValue,
            [StepKey] = Step.ToString(CultureInfo.InvariantCulture),
            [AlarmKey] = string.Join(' ', Alarm),
        };
        if (Score is { } score) metadata[ScoreKey] = score.ToString(CultureInfo.InvariantCulture);
        if (Measure is not null) metadata[MeasureKey] = Measure;
        foreach (var (name, value) in Run) metadata[RunPrefix + name] = value;
        return metadata;
    }

    private static TrainingCheckpoint Parse(SortedDictionary<string, string> metadata, string path)
    {
        // A checksum vouches for who wrote it alone.
        InvalidDataException Odd(string key) =>
            new($"'{path}' is damaged: its {key} is '{metadata.GetValueOrDefault(key)}'.");
        if (!long.TryParse(metadata.GetValueOrDefault(StepKey), NumberStyles.None, CultureInfo.InvariantCulture,
            out long step)) throw Odd(StepKey);
        var alarm = new List<int>();
        foreach (string text in metadata.GetValueOrDefault(AlarmKey, "").Split(' '))
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count))
                throw Odd(AlarmKey);
            alarm.Add(count);
        }
        if (alarm.Count != AlarmCounts) throw Odd(AlarmKey);
        double? score = null;
        if (metadata.TryGetValue(ScoreKey, out var written)) score = ParseScore(written) ?? throw Odd(ScoreKey);
        var run = metadata.Where(entry => entry.Key.StartsWith(RunPrefix, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key[RunPrefix.Length..], entry => entry.Value);
        return new(step, run, alarm, score, metadata.GetValueOrDefault(MeasureKey));
    }

    private static double? ParseScore(string text) =>
        double.TryParse(text, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : null;

    private static string ChecksumOf(SortedDictionary<string, string> metadata,
        IEnumerable<(string Name, Tensor Value)> state) => Checksum.Of(stream =>
    {
        foreach (var (key, value) in metadata) Put($"{key}\0{value}\0");
        foreach (var (name, value) in state.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            Put($"{name}\0{value.dtype}\0{string.Join(',', value.shape)}\0");
            value.WriteTo(stream);
        }
        void Put(string text) => stream.Write(Encoding.UTF8.GetBytes(text));
    });
}
