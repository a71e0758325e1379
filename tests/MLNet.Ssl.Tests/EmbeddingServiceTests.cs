using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using EmbeddingService;
using Microsoft.AspNetCore.Builder;
using Microsoft.ML;

namespace MLNet.Ssl.Tests;

public sealed class EmbeddingServiceTests : IAsyncLifetime
{
    private static readonly ServiceOptions Usual = new() { Url = "http://127.0.0.1:0" };

    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _client = new();
    private readonly ServedModel _model;
    private WebApplication _service = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private sealed record Embedded(int Dimension, float[] Embedding);

    private sealed record Health(string Status, string Model, int Queued);

    /// <summary>The model is saved in a chain and loaded by the service, as in use.</summary>
    public EmbeddingServiceTests(ITestOutputHelper output)
    {
        _output = output;
        var ml = new MLContext(seed: 1);
        var rows = ml.View(TestImages.Rows(4));
        var pretrain = ml.SelfSupervised().Pretrain("Embedding", "Image", TestImages.Untrained);
        using var chain = ml.Transforms.CopyColumns("Copy", "Number").Append(pretrain).Fit(rows);
        ml.SelfSupervised().Model.Save(chain, rows.Schema, _folder.File("model.zip"));
        _model = ServedModel.Load(_folder.File("model.zip"));
    }

    public async ValueTask InitializeAsync() => _service = await Start(Usual);

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _client.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    private async Task<WebApplication> Start(ServiceOptions options)
    {
        var service = EmbeddingApp.Create(_model, options);
        await service.StartAsync();
        return service;
    }

    private byte[] Png(int seed, int side = TestImages.Size)
    {
        string path = _folder.File($"{seed}-{side}.png");
        TestImages.Image(seed, width: side, height: side).Save(path);
        return File.ReadAllBytes(path);
    }

    private float[] Expected(int seed)
    {
        var embedding = new float[_model.Encoder.EmbeddingDimension];
        _model.Encoder.Embed([new(TestImages.Rgb(seed), TestImages.Size, TestImages.Size)], embedding);
        return embedding;
    }

    private Task<HttpResponseMessage> Post(byte[] body, WebApplication? service = null) =>
        _client.PostAsync($"{(service ?? _service).Urls.First()}/embed", new ByteArrayContent(body));

    private static async Task<string> Detail(HttpResponseMessage response) =>
        (string)(await response.Content.ReadFromJsonAsync<JsonNode>())!["detail"]!;

    private static async Task<float[]> Embedding(HttpResponseMessage response)
    {
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync<Embedded>())!.Embedding;
    }

    [Fact]
    public async Task UnderLoadNothingIsLostOrMixedUp()
    {
        const int requests = 240, clients = 8;
        var uploads = Enumerable.Range(0, requests).Select(i => Png(i)).ToArray();
        var expected = Enumerable.Range(0, requests).Select(Expected).ToArray();
        await Embedding(await Post(uploads[0]));
        var answers = new float[requests][];
        var milliseconds = new double[requests];
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async client =>
        {
            using var http = new HttpClient();
            await Task.WhenAll(Enumerable.Range(0, requests).Where(i => i % clients == client).Select(async i =>
            {
                var sent = Stopwatch.GetTimestamp();
                using var response =
                    await http.PostAsync($"{_service.Urls.First()}/embed", new ByteArrayContent(uploads[i]));
                answers[i] = await Embedding(response);
                milliseconds[i] = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
            }));
        }));
        var elapsed = Stopwatch.GetElapsedTime(start);
        for (int i = 0; i < requests; i++) TestImages.AssertClose(expected[i], answers[i], 1e-6f);
        // Images that embed alike could be mixed up unseen.
        Assert.Equal(requests, answers.Select(answer => string.Join(' ', answer)).Distinct().Count());
        Array.Sort(milliseconds);
        _output.WriteLine(
            $"{requests} images from {clients} clients at once: {requests / elapsed.TotalSeconds:f0} requests/s, "
            + $"p50 {milliseconds[requests / 2]:f1} ms, p99 {milliseconds[requests * 99 / 100]:f1} ms");
    }

    [Fact]
    public async Task AFormWorksLikeABody()
    {
        var form = new MultipartFormDataContent { { new ByteArrayContent(Png(3)), "image", "photo.png" } };
        using var response = await _client.PostAsync($"{_service.Urls.First()}/embed", form, Cancellation);
        TestImages.AssertClose(Expected(3), await Embedding(response), 1e-6f);
        using var empty = await _client.PostAsync($"{_service.Urls.First()}/embed",
            new MultipartFormDataContent { { new StringContent("x"), "text" } },
            Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
        Assert.Contains("has no file", await Detail(empty));
    }

    [Fact]
    public async Task HealthNamesTheModel()
    {
        var health = await _client.GetFromJsonAsync<Health>($"{_service.Urls.First()}/health", Cancellation);
        Assert.Equal(("ok", 0), (health!.Status, health.Queued));
        Assert.Contains("model.zip: SimCLR, embeddings of 16 numbers", health.Model);
    }

    [Fact]
    public async Task WhatIsNoImageIsRefusedAndHarmsNoOther()
    {
        var damaged = Png(1)[..60];
        var bad = new[] { Post([]), Post("no image"u8.ToArray()), Post(damaged) };
        var good = Enumerable.Range(0, 6).Select(i => Post(Png(i))).ToArray();
        foreach (var task in bad)
        {
            using var response = await task;
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Contains("image", await Detail(response));
        }
        for (int i = 0; i < good.Length; i++)
            TestImages.AssertClose(Expected(i), await Embedding(await good[i]), 1e-6f);
    }

    [Fact]
    public async Task AnImageThatTheModelDoesNotTakeIsRefusedAloneInItsBatch()
    {
        string weights = _folder.File("w.safetensors");
        _model.Encoder.SaveSafeTensors(weights);
        var ml = new MLContext(seed: 1);
        var cropped = new PretrainedOptions { Preprocessing = new() { CropSize = TestImages.Size } };
        using var cropping = new ServedModel(ml.SelfSupervised().LoadPretrained("Embedding", "Image", weights, cropped)
            .Fit(ml.View(TestImages.Rows(1))), "cropping");
        var clock = new HeldClock();
        await using var service = EmbeddingApp.Create(cropping, Usual with { BatchClock = clock });
        await service.StartAsync(Cancellation);
        var (small, good) = (Post(Png(1, TestImages.Size - 1), service), Post(Png(2), service));
        await Served.Queued(_client, service, 2);
        clock.LetGo();
        using var refused = await small;
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("smaller than CropSize", await Detail(refused));
        Assert.Equal(16, (await Embedding(await good)).Length);
    }

    [Fact]
    public async Task TooManyBytesOrPixelsAreRefusedBeforeTheyAreDecoded()
    {
        await using var strict = await Start(Usual with { MaxUploadBytes = 4096, MaxPixels = 300 });
        using var large = await Post(new byte[5000], strict);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        using var wide = await Post(Png(1, 20), strict);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, wide.StatusCode);
        Assert.Contains("20×20 pixels", await Detail(wide));
        // A few bytes that claim four billion pixels.
        using var bomb = await Post(AttackImages.Png(65535, 65535, []), strict);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, bomb.StatusCode);
        Assert.Contains("65535×65535", await Detail(bomb));
    }

    [Fact]
    public async Task AFullQueueAsksToComeAgain()
    {
        var clock = new HeldClock();
        await using var narrow = await Start(Usual with { QueueCapacity = 2, BatchClock = clock });
        var posts = Enumerable.Range(0, 10).Select(i => Post(Png(i), narrow)).ToArray();
        await Served.Answered(posts, 8);
        clock.LetGo();
        int accepted = 0, refused = 0;
        for (int i = 0; i < posts.Length; i++)
        {
            using var response = await posts[i];
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                refused++;
                Assert.NotNull(response.Headers.RetryAfter);
            }
            else
            {
                accepted++;
                TestImages.AssertClose(Expected(i), await Embedding(response), 1e-6f);
            }
        }
        Assert.Equal((2, 8), (accepted, refused));
    }

    [Fact]
    public async Task AnAbandonedRequestIsLeftOutOfItsBatch()
    {
        var clock = new HeldClock();
        await using var slow = await Start(Usual with { BatchClock = clock });
        using var cancel = new CancellationTokenSource();
        var abandoned = _client.PostAsync($"{slow.Urls.First()}/embed", new ByteArrayContent(Png(1)), cancel.Token);
        var kept = Post(Png(2), slow);
        await Served.Queued(_client, slow, 2);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned);
        clock.LetGo();
        TestImages.AssertClose(Expected(2), await Embedding(await kept), 1e-6f);
    }
}
