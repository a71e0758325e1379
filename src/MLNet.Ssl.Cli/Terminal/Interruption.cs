using System.Runtime.InteropServices;

namespace MLNet.Ssl.Cli.Terminal;

/// <summary>Ctrl-C and SIGTERM: the first asks the command to save and stop, another ends the process.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _signals;

    public Interruption(TextWriter error) => _signals =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal =>
            PosixSignalRegistration.Create(signal, context =>
        {
            if (_source.IsCancellationRequested) return;
            context.Cancel = true;
            error.WriteLine("stopping: what was done is saved (once more ends at once)");
            _source.Cancel();
        }))];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var signal in _signals) signal.Dispose();
        _source.Dispose();
    }
}
