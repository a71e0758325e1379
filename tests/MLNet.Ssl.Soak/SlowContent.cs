using System.Net;

namespace MLNet.Ssl.Soak;

/// <summary>A body of which the second half comes late.</summary>
internal sealed class SlowContent(byte[] bytes, TimeSpan delay) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, default);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context,
        CancellationToken cancellationToken)
    {
        await stream.WriteAsync(bytes.AsMemory(0, bytes.Length / 2), cancellationToken);
        await stream.FlushAsync(cancellationToken);
        await Task.Delay(delay, cancellationToken);
        await stream.WriteAsync(bytes.AsMemory(bytes.Length / 2), cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = bytes.Length;
        return true;
    }
}
