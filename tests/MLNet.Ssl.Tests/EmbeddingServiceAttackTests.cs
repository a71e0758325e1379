using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EmbeddingService;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.ML;

namespace MLNet.Ssl.Tests;

/// <summary>The service while some of its clients mean it harm, or are only slow.</summary>
public sealed class EmbeddingServiceAttackTests : IDisposable
{
    private static readonly ServiceOptions Usual = new() { Url = "http://127.0.0.1:0" };

    private readonly ITestOutputHelper _output;
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromMinutes(2) };
    private readonly ServedModel _model;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public EmbeddingServiceAttackTests(ITestOutputHelper output)
    {
        _output = output;
        var ml = new MLContext(seed: 1);
        _model = new(ml.SelfSupervised().Pretrain("Embedding", "Image", TestImages.Untrained)
            .Fit(ml.View(TestImages.Rows(4))), "untrained");
    }

    public void Dispose()
    {
        _client.Dispose();
        _model.Dispose();
    }

    private async Task<WebApplication> Start(ServiceOptions options)
    {
        var service = EmbeddingApp.Create(_model, options);
        await service.StartAsync(Cancellation);
        return service;
    }

    private Task<HttpResponseMessage> Post(WebApplication service, byte[] body, string? type = null)
    {
        var content = new ByteArrayContent(body);
        if (type is not null) content.Headers.TryAddWithoutValidation("Content-Type", type);
        return _client.PostAsync($"{service.Urls.First()}/embed", content, Cancellation);
    }

    private static byte[] Good => AttackImages.Bmp(16, 16, TestImages.Rgb(1));

    private async Task<TimeSpan> GoodRequest(WebApplication service)
    {
        var clock = Stopwatch.StartNew();
        using var response = await Post(service, Good);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return clock.Elapsed;
    }

    [Fact]
    public async Task EveryFormatIsTakenAndEveryTruncationRefused()
    {
        await using var service = await Start(Usual);
        using var folder = new TemporaryFolder();
        using var image = TestImages.Image(1);
        var files =
            new Dictionary<string, byte[]> { ["gif"] = AttackImages.Gif(16, 16, new byte[256]), ["bmp"] = Good };
        foreach (string format in new[] { "png", "jpg", "webp" })
        {
            image.Save(folder.File("x." + format));
            files[format] = File.ReadAllBytes(folder.File("x." + format));
        }
        foreach (var (format, bytes) in files)
        {
            using var whole = await Post(service, bytes, "image/" + format);
            Assert.True(whole.StatusCode == HttpStatusCode.OK, format);
            foreach (int length in new[] { 1, bytes.Length / 2, bytes.Length - 10 })
            {
                using var cut = await Post(service, bytes[..length]);
                Assert.True(cut.StatusCode == HttpStatusCode.BadRequest,
                    $"{format} of {length} bytes: {cut.StatusCode}");
            }
        }
    }

    [Fact]
    public async Task HostileImagesAreRefusedAtOnce()
    {
        await using var service = await Start(Usual);
        await GoodRequest(service);
        foreach (var (name, bytes) in AttackImages.Refused())
        {
            var clock = Stopwatch.StartNew();
            using var response = await Post(service, bytes);
            Assert.True(response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge,
                $"{name}: {response.StatusCode}");
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"{name}: {clock.Elapsed}");
        }
    }

    [Theory]
    [InlineData("multipart/form-data; boundary=x", HttpStatusCode.BadRequest)]
    [InlineData("multipart/form-data", HttpStatusCode.BadRequest)]
    [InlineData("multipart/form-data; boundary=", HttpStatusCode.BadRequest)]
    [InlineData("multipart/form-data;;=", HttpStatusCode.BadRequest)]
    [InlineData("image/png", HttpStatusCode.BadRequest)]
    [InlineData("application/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("text/plain; charset=utf-8", HttpStatusCode.UnsupportedMediaType)]
    public async Task GarbageIsTheClientsFault(string type, HttpStatusCode expected)
    {
        await using var service = await Start(Usual);
        var random = new Random(1);
        byte[][] bodies = [[], "garbage"u8.ToArray(), "--x\r\n"u8.ToArray(),
            "--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nno end"u8.ToArray(),
            "--x\r\nno header\r\n\r\nbody\r\n--x--"u8.ToArray(),
            [.. Enumerable.Range(0, 100_000).Select(_ => (byte)random.Next(256))]];
        foreach (var (i, body) in bodies.Index())
        {
            using var response = await Post(service, body, type);
            Assert.True(response.StatusCode == expected,
                $"body {i}: {response.StatusCode} {await response.Content.ReadAsStringAsync(Cancellation)}");
        }
    }

    [Fact]
    public async Task AGoodRequestIsNotHeldUpByLargeOnes()
    {
        await using var service = await Start(Usual with { QueuePixels = 2_000_000_000 });
        var alone = await GoodRequest(service);
        // Whole images of 49 megapixels in 143 kB, and 32 that only claim to be.
        var large = AttackImages.Png(7000, 7000, new byte[7000 * 21001]);
        var claims = Enumerable.Range(0, 32).Select(_ => Post(service, AttackImages.Png(7000, 7000, []))).ToArray();
        var whole = Enumerable.Range(0, 32).Select(_ => Post(service, large)).ToArray();
        foreach (var claim in claims)
        {
            using var response = await claim;
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
        await Served.Queued(_client, service, 16);
        int before = whole.Count(task => task.IsCompleted);
        var beside = await GoodRequest(service);
        int after = whole.Count(task => task.IsCompleted);
        _output.WriteLine($"a good request alone {alone.TotalMilliseconds:0} ms, beside 32 large ones "
            + $"{beside.TotalMilliseconds:0} ms; {before} to {after} of them answered");
        // One batch, which is one large image, may be on its way, and on a busy machine answers arrive late; first
        // come, first served would have been all of those that waited, 16 or more.
        Assert.InRange(after - before, 0, 10);
        Assert.True(after < 32);
        await service.StopAsync(Cancellation);
        foreach (var task in whole)
        {
            try { (await task).Dispose(); }
            catch (HttpRequestException) { }
        }
    }

    [Fact]
    public async Task WhatWaitsIsBoundedInPixelsAndBytesAndTime()
    {
        var clock = new HeldClock();
        await using var service = await Start(Usual with { QueuePixels = 600, BatchClock = clock });
        var posts = Enumerable.Range(0, 8).Select(_ => Post(service, Good)).ToArray();
        await Served.Answered(posts, 6);
        clock.LetGo();
        var statuses = new List<HttpStatusCode>();
        foreach (var post in posts)
        {
            using var response = await post;
            statuses.Add(response.StatusCode);
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable) Assert.NotNull(response.Headers.RetryAfter);
        }
        // Of 256 pixels each, two fit; one alone would always.
        Assert.Equal(2, statuses.Count(status => status == HttpStatusCode.OK));
        Assert.Equal(6, statuses.Count(status => status == HttpStatusCode.ServiceUnavailable));

        await using var small = await Start(Usual with { HeldBytes = Good.Length });
        for (int i = 0; i < 3; i++) await GoodRequest(small);
        using var held = await Post(small, [.. Good, 0]);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, held.StatusCode);
        await GoodRequest(small);

        await using var hasty =
            await Start(Usual with { Deadline = TimeSpan.FromMilliseconds(300), BatchDelay = TimeSpan.FromSeconds(3) });
        using var late = await Post(hasty, Good);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
        Assert.NotNull(late.Headers.RetryAfter);
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task AnUploadThatTheDeadlineCutsOffIsToldSoAndIsNoFailureOfTheService(string type)
    {
        await using var service = await Start(Usual with { Deadline = TimeSpan.FromMilliseconds(300) });
        var log = new WarningLog();
        service.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(IPAddress.Loopback, new Uri(service.Urls.First()).Port, Cancellation);
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                $"POST /embed HTTP/1.1\r\nHost: x\r\nContent-Type: {type}\r\nContent-Length: 10000\r\n\r\nBM"), Cancellation);
            var answer = new byte[4096];
            int length = await socket.ReceiveAsync(answer, Cancellation);
            Assert.StartsWith("HTTP/1.1 408", Encoding.ASCII.GetString(answer, 0, length));
        }
        await service.StopAsync(Cancellation);
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task IdleAndSlowConnectionsLockNobodyOut()
    {
        await using var service = await Start(Usual with
        {
            KeepAlive = TimeSpan.FromSeconds(1),
            HeadersTimeout = TimeSpan.FromSeconds(1),
            Deadline = TimeSpan.FromSeconds(2)
        });
        var address = new Uri(service.Urls.First());
        var sockets = new List<Socket>();
        try
        {
            for (int i = 0; i < 700; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, address.Port, Cancellation);
                // Some say nothing, some not all of their headers, some not all of their body.
                if (i % 3 > 0) await socket.SendAsync("POST /embed HTTP/1.1\r\nHost: x\r\n"u8.ToArray(), Cancellation);
                if (i % 3 > 1) await socket.SendAsync("Content-Length: 10000\r\n\r\nBM"u8.ToArray(), Cancellation);
            }
            var beside = await GoodRequest(service);
            _output.WriteLine($"a good request beside 700 idle connections: {beside.TotalMilliseconds:0} ms");
            Assert.True(beside < TimeSpan.FromSeconds(30), beside.ToString());
            // And they are let go.
            var clock = Stopwatch.StartNew();
            foreach (var socket in sockets)
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
                patience.CancelAfter(TimeSpan.FromSeconds(30));
                var answer = new byte[4096];
                try { while (await socket.ReceiveAsync(answer, patience.Token) > 0) { } }
                catch (SocketException) { }
            }
            _output.WriteLine($"all closed after {clock.Elapsed.TotalSeconds:0.0} s");
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private sealed class WarningLog : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) Lines.Enqueue($"{formatter(state, exception)} {exception}");
        }

        public void Dispose()
        {
        }
    }
}
