using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MLNet.Ssl.Tests;

/// <summary>A web server on this machine, which answers as it is told, cut connections included.</summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<Request, Reply> _answer;

    public LoopbackServer(Func<Request, Reply> answer)
    {
        _answer = answer;
        _listener.Start();
        _ = Accept();
    }

    /// <summary>What a client asks for.</summary>
    /// <param name="Path">The path of the address.</param>
    /// <param name="Headers">The headers, by names in lower case.</param>
    internal sealed record Request(string Path, IReadOnlyDictionary<string, string> Headers)
    {
        /// <summary>The byte that the client begins at; 0 if it wants them all.</summary>
        public int From =>
            Headers.TryGetValue("range", out var range) ? int.Parse(range["bytes=".Length..].TrimEnd('-')) : 0;
    }

    /// <summary>What it gets.</summary>
    /// <param name="Body">The bytes.</param>
    /// <param name="Status">The status.</param>
    internal sealed record Reply(byte[] Body, int Status = 200)
    {
        /// <summary>Further headers.</summary>
        public string[] Headers { get; init; } = [];

        /// <summary>Bytes of the body after which the connection is cut; null for all.</summary>
        public int? CutAfter { get; init; }

        /// <summary>Length that is told; null for that of the body.</summary>
        public long? Length { get; init; }

        /// <summary>Time between the halves of the body.</summary>
        public TimeSpan Pause { get; init; }

        /// <summary>The part of a file that a request asks for.</summary>
        public static Reply Part(byte[] file, Request request, string? etag = null)
        {
            string[] tag = etag is null ? [] : [$"ETag: \"{etag}\""];
            bool isSame = !request.Headers.TryGetValue("if-range", out var known) || known == $"\"{etag}\"";
            return request.From == 0 || !isSame ? new(file) { Headers = tag } : request.From >= file.Length
                ? new([], 416)
                : new(file[request.From..],
                    206)
                { Headers = [.. tag, $"Content-Range: bytes {request.From}-{file.Length - 1}/{file.Length}"] };
        }
    }

    public string Address => $"http://{_listener.LocalEndpoint}/";

    /// <summary>All requests, in order.</summary>
    public ConcurrentQueue<Request> Requests { get; } = new();

    public void Dispose() => _listener.Dispose();

    private async Task Accept()
    {
        while (true)
        {
            try
            {
                var client = await _listener.AcceptTcpClientAsync();
                _ = Task.Run(() => Serve(client));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    /// <summary>One request a connection.</summary>
    private async Task Serve(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                if (await reader.ReadLineAsync() is not { } first) return;
                var headers = new Dictionary<string, string>();
                while (await reader.ReadLineAsync() is { Length: > 0 } line)
                    headers[line.Split(':')[0].ToLowerInvariant()] = line[(line.IndexOf(':') + 1)..].Trim();
                var request = new Request(first.Split(' ')[1], headers);
                Requests.Enqueue(request);
                var reply = _answer(request);
                string[] lines = [$"HTTP/1.1 {reply.Status} Told", $"Content-Length: "
                    + $"{reply.Length ?? reply.Body.Length}", "Connection: close", .. reply.Headers, "", ""];
                await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Join("\r\n", lines)));
                int end = Math.Min(reply.CutAfter ?? reply.Body.Length, reply.Body.Length);
                await stream.WriteAsync(reply.Body.AsMemory(0, end / 2));
                if (reply.Pause > TimeSpan.Zero) await Task.Delay(reply.Pause);
                await stream.WriteAsync(reply.Body.AsMemory(end / 2, end - end / 2));
                await stream.FlushAsync();
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // The client has gone.
            }
        }
    }
}
