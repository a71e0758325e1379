using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;

namespace MLNet.Ssl.Tests;

/// <summary>Waits for what a service does, however long it takes.</summary>
internal static class Served
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Until so many images wait in the service.</summary>
    public static Task Queued(HttpClient client, WebApplication service, int least) => Until(async () =>
        (int)(await client.GetFromJsonAsync<JsonNode>($"{service.Urls.First()}/health"))!["queued"]! >= least,
        string.Create(CultureInfo.InvariantCulture, $"{least} images never waited at a time"));

    /// <summary>Until so many requests have an answer.</summary>
    public static Task Answered(IReadOnlyCollection<Task> requests, int least) => Until(
        () => Task.FromResult(requests.Count(request => request.IsCompleted) >= least),
        string.Create(CultureInfo.InvariantCulture, $"{least} requests were never answered"));

    private static async Task Until(Func<Task<bool>> condition, string otherwise)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested, otherwise);
            await Task.Delay(20);
        }
    }
}
