namespace MLNet.Ssl.DataView;

/// <summary>A batch of rows that was made ready in the background and is computed when a result is wanted.</summary>
/// <param name="compute">Fills in the results.</param>
/// <param name="inputs">What it needs until then; null for nothing that must be freed.</param>
internal sealed class ReadyBatch(ReadyBatch.Computation compute, IDisposable? inputs = null) : IDisposable
{
    public delegate void Computation(Span<float> results);

    public void Compute(Span<float> results) => compute(results);

    public void Dispose() => inputs?.Dispose();
}
