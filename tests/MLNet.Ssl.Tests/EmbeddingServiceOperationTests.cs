using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using EmbeddingService;
using Microsoft.AspNetCore.Builder;
using Microsoft.ML;

namespace MLNet.Ssl.Tests;

/// <summary>The service as those who run it see it.</summary>
public sealed class EmbeddingServiceOperationTests : IDisposable
{
    private static readonly ServiceOptions Usual = new() { Url = "http://127.0.0.1:0" };

    private static readonly byte[] Good = AttackImages.Bmp(16, 16, TestImages.Rgb(1));

    private readonly HttpClient _client = new();
    private readonly ServedModel _model;

    public EmbeddingServiceOperationTests()
    {
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
        await service.StartAsync();
        return service;
    }

    private async Task<HttpResponseMessage> Post(WebApplication service, Action<HttpRequestHeaders>? headers = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post,
            $"{service.Urls.First()}/embed")
        { Content = new ByteArrayContent(Good) };
        headers?.Invoke(request.Headers);
        return await _client.SendAsync(request);
    }

    [Fact]
    public async Task AKeyIsAskedForWhereThereIsOne()
    {
        await using var service = await Start(Usual with { Key = "secret" });
        foreach (var headers in new Action<HttpRequestHeaders>?[]
        {
            null, h => h.Add("X-Api-Key", "secre"), h => h.Authorization = new("Bearer", "Secret"), h =>
                h.Authorization = new("Basic", "secret"),
        })
        {
            using var refused = await Post(service, headers);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            Assert.NotEmpty(refused.Headers.WwwAuthenticate);
        }
        foreach (var headers in new Action<HttpRequestHeaders>[] { h => h.Add("X-Api-Key", "secret"),
            h => h.Authorization = new("Bearer", "secret") })
        {
            using var answered = await Post(service, headers);
            Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        }
        using var health = await _client.GetAsync($"{service.Urls.First()}/health");
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    [Fact]
    public async Task OneClientsRequestsAreBounded()
    {
        var clock = new HeldClock();
        await using var service = await Start(Usual with { RequestsPerClient = 2, BatchClock = clock });
        var posts = Enumerable.Range(0, 6).Select(_ => Post(service)).ToArray();
        await Served.Answered(posts, 4);
        clock.LetGo();
        var answers = await Task.WhenAll(posts);
        Assert.Equal(2, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        foreach (var answer in answers.Where(answer => answer.StatusCode != HttpStatusCode.OK))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
            Assert.Contains("come again", await answer.Content.ReadAsStringAsync());
        }
        using var later = await Post(service);
        Assert.Equal(HttpStatusCode.OK, later.StatusCode);
    }

    [Fact]
    public async Task AStoppingServiceAnswersWhatItTookAndSaysItIsNotReady()
    {
        var clock = new HeldClock();
        await using var service = await Start(Usual with { BatchClock = clock });
        using (var ready = await _client.GetAsync($"{service.Urls.First()}/ready"))
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        var posts = Enumerable.Range(0, 5).Select(_ => Post(service)).ToArray();
        await Served.Queued(_client, service, 5);
        var stopping = service.StopAsync();
        clock.LetGo();
        await stopping;
        foreach (var answer in await Task.WhenAll(posts)) Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await Assert.ThrowsAsync<HttpRequestException>(() => Post(service));
    }

    [Fact]
    public async Task AFullQueueIsNotReady()
    {
        var clock = new HeldClock();
        await using var service = await Start(Usual with { QueueCapacity = 1, BatchClock = clock });
        var post = Post(service);
        await Served.Queued(_client, service, 1);
        using var ready = await _client.GetAsync($"{service.Urls.First()}/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.NotNull(ready.Headers.RetryAfter);
        clock.LetGo();
        using var answer = await post;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory, InlineData("Production"), InlineData("Development")]
    public async Task AFailureTellsNothingOfItsInside(string environment)
    {
        Environment.SetEnvironmentVariable("ASPNETCORE_ENVIRONMENT", environment);
        WebApplication service;
        try { service = await Start(Usual); }
        finally { Environment.SetEnvironmentVariable("ASPNETCORE_ENVIRONMENT", null); }
        await using var _ = service;
        _model.Dispose();
        using var answer = await Post(service);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        string body = await answer.Content.ReadAsStringAsync();
        Assert.Equal("The service failed.", (string)JsonNode.Parse(body)!["detail"]!);
        foreach (string inside in new[] { " at ", ".cs", "Disposed", Path.DirectorySeparatorChar + "samples" })
            Assert.DoesNotContain(inside, body);
    }

    [Fact]
    public async Task TheInterfaceIsDescribed()
    {
        await using var service = await Start(Usual);
        var document = JsonNode.Parse(await _client.GetStringAsync($"{service.Urls.First()}/openapi/v1.json"))!;
        var embed = document["paths"]!["/embed"]!["post"]!;
        Assert.NotNull(embed["requestBody"]!["content"]!["image/*"]);
        foreach (string status in new[] { "200", "400", "401", "408", "413", "415", "429", "503" })
            Assert.NotNull(embed["responses"]![status]);
        Assert.NotNull(document["paths"]!["/ready"]);
    }

    [Fact]
    public async Task BatchesWaitsAndRefusalsAreCounted()
    {
        var seen = new System.Collections.Concurrent.ConcurrentDictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "EmbeddingService") self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) =>
            seen.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value));
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
            seen.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
            seen.AddOrUpdate(instrument.Name, 1, (_, count) => count + 1));
        listener.Start();
        await using var service = await Start(Usual);
        for (int i = 0; i < 3; i++) (await Post(service)).Dispose();
        (await _client.PostAsync($"{service.Urls.First()}/embed", new ByteArrayContent([1]))).Dispose();
        Assert.InRange(seen["embedding.batch.size"], 3, double.MaxValue);
        Assert.InRange(seen["embedding.queue.wait"], 3, double.MaxValue);
        Assert.InRange(seen["embedding.refused"], 1, double.MaxValue);
    }
}
