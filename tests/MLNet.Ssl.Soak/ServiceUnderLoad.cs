using System.Net;
using System.Net.Http.Json;
using EmbeddingService;
using Microsoft.ML;
using MLNet.Ssl.Tests;

namespace MLNet.Ssl.Soak;

/// <summary>The service answers good requests right, beside bad, cancelled, oversized and slow ones.</summary>
internal sealed class ServiceUnderLoad(Tally tally, HttpClient client, float[][] expected)
{
    private const int Images = 64, GoodClients = 4;

    private static readonly ServiceOptions Options = new() { Url = "http://127.0.0.1:0", MaxUploadBytes = 1 << 20 };

    private static readonly (string Name, byte[] Bytes)[] Bad =
        [.. AttackImages.Refused(), ("nothing", []), ("text", "no image"u8.ToArray()), ("cut", Image(1)[..60])];

    private sealed record Embedded(int Dimension, float[] Embedding);

    public static async Task RunAsync(Tally tally)
    {
        var ml = new MLContext(seed: 1);
        var pretrain = ml.SelfSupervised().Pretrain("Embedding", "Image", TestImages.Untrained);
        using var model = new ServedModel(pretrain.Fit(ml.View(TestImages.Rows(4))), "untrained");
        var expected = Enumerable.Range(0, Images).Select(i => new float[model.Encoder.EmbeddingDimension]).ToArray();
        for (int i = 0; i < Images; i++)
            model.Encoder.Embed([new(Flipped(i), TestImages.Size, TestImages.Size)], expected[i]);
        await using var service = EmbeddingApp.Create(model, Options);
        await service.StartAsync();
        // An oversized request waits for the refusal before it sends its body.
        using var handler = new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) };
        using var client = new HttpClient(handler) { BaseAddress = new(service.Urls.First()) };
        await new ServiceUnderLoad(tally, client, expected).LoadAsync();
    }

    private Task LoadAsync() => Task.WhenAll([
        .. Enumerable.Range(0, GoodClients)
            .Select(_ => Again("good requests", i => AskAsync(i, new ByteArrayContent(Image(i))))),
        Again("good requests, as forms", i =>
            AskAsync(i, new MultipartFormDataContent { { new ByteArrayContent(Image(i)), "image", "photo.bmp" } })),
        Again("slow requests", i => AskAsync(i, new SlowContent(Image(i), TimeSpan.FromMilliseconds(300)))),
        Again("cancelled requests", CancelAsync),
        Again("cancelled requests, slow", i =>
            CancelAsync(i, new SlowContent(Image(i), TimeSpan.FromMilliseconds(30)))),
        Again("bad requests refused", i =>
            RefuseAsync(Bad[i % Bad.Length].Bytes, HttpStatusCode.BadRequest, HttpStatusCode.RequestEntityTooLarge)),
        Again("oversized requests refused", _ =>
            RefuseAsync(new byte[Options.MaxUploadBytes + 1], HttpStatusCode.RequestEntityTooLarge)),
    ]);

    private Task Again(string what, Func<int, Task> once) => Task.Run(async () =>
    {
        while (tally.IsTimeLeft) await tally.Try(what, () => once(Random.Shared.Next(Images)));
    });

    private async Task AskAsync(int image, HttpContent content, CancellationToken cancelled = default)
    {
        using var response = await client.PostAsync("embed", content, cancelled);
        if (!response.IsSuccessStatusCode) throw new HttpRequestException(
            $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancelled)}");
        TestImages.AssertClose(expected[image],
            (await response.Content.ReadFromJsonAsync<Embedded>(cancelled))!.Embedding, 1e-6f);
    }

    private Task CancelAsync(int image) => CancelAsync(image, new ByteArrayContent(Image(image)));

    /// <summary>An answer that comes before is right.</summary>
    private async Task CancelAsync(int image, HttpContent content)
    {
        using var cancel = new CancellationTokenSource(Random.Shared.Next(1, 40));
        try { await AskAsync(image, content, cancel.Token); }
        catch (OperationCanceledException) { }
    }

    private async Task RefuseAsync(byte[] body, params HttpStatusCode[] statuses)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "embed") { Content = new ByteArrayContent(body) };
        request.Headers.ExpectContinue = body.Length > Options.MaxUploadBytes;
        using var response = await client.SendAsync(request);
        Assert.Contains(response.StatusCode, statuses);
    }

    private static byte[] Image(int seed) => AttackImages.Bmp(TestImages.Size, TestImages.Size, TestImages.Rgb(seed));

    /// <summary>What a reader gets of <see cref="Image"/>: a BMP has its rows from the
    /// bottom up, and blue first.</summary>
    private static byte[] Flipped(int seed) =>
        [.. TestImages.Rgb(seed).Chunk(3 * TestImages.Size).Reverse()
            .SelectMany(row => row.Chunk(3).SelectMany(pixel => pixel.Reverse()))];
}
