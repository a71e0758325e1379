namespace Microsoft.ML;

using Microsoft.ML.Runtime;

public class LoggingEventArgs : EventArgs
{
    public LoggingEventArgs(string message) => (Message, RawMessage) = (message, message);

    public LoggingEventArgs(string message, ChannelMessageKind kind, string source)
        => (RawMessage, Kind, Source, Message) = (message, kind, source, $"[Source={source}, Kind={kind}] {message}");

    public string Message { get; }
    public string RawMessage { get; }
    public string Source { get; }
    public ChannelMessageKind Kind { get; }
}
