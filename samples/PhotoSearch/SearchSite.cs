using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using MLNet.Ssl;
using PhotoSearch.Stores;

namespace PhotoSearch;

/// <summary>Searches by a photo that a browser sends.</summary>
public static class SearchSite
{
    private const long MostBytes = 20 << 20;

    /// <summary>The site, to be started.</summary>
    /// <param name="photos">The photos, by their embeddings.</param>
    /// <param name="folder">Where they are.</param>
    /// <param name="neighbors">Photos that are shown.</param>
    /// <param name="url">Where it listens; it is meant for the machine itself, <c>http://127.0.0.1:5000</c>.</param>
    public static WebApplication Build(PhotoCollection photos, PhotoFolder folder, int neighbors, string url)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url).ConfigureKestrel(server => server.Limits.MaxRequestBodySize = MostBytes);
        var site = builder.Build();
        site.MapGet("/", () => Page(new() { AsksForPhoto = true, Facts = $"{folder.Files.Count:N0} photos" }));
        // Nothing changes by a search, so nobody else's page can do harm by asking for one.
        site.MapPost("/", async (IFormFile photo, CancellationToken token) =>
        {
            using var bytes = new MemoryStream();
            await photo.CopyToAsync(bytes, token);
            RgbImage image;
            try
            {
                image = RgbImages.Decode(bytes.ToArray());
            }
            catch (Exception e) when (e is ArgumentException or InvalidDataException)
            {
                var refusal = new SearchPage { AsksForPhoto = true, Facts = $"The photo cannot be read: {e.Message}" };
                return Page(refusal, StatusCodes.Status400BadRequest);
            }
            var found = new List<(string, RgbImage, float)>();
            var query = new DataContent(bytes.ToArray(), "image/*");
            await foreach (var result in photos.SearchAsync(query, neighbors, cancellationToken: token))
                found.Add((folder.Name(result.Record.Path), RgbImages.Load(result.Record.Path), (float)result.Score!));
            var page = new SearchPage
            {
                AsksForPhoto = true,
                Facts = $"{folder.Files.Count:N0} photos. Numbers are cosine similarities."
            };
            page.Add(string.IsNullOrEmpty(photo.FileName) ? "photo" : photo.FileName, image, found);
            return Page(page);
        }).DisableAntiforgery();
        return site;
    }

    private static IResult Page(SearchPage page, int status = StatusCodes.Status200OK)
    {
        using var bytes = new MemoryStream();
        page.Write(bytes);
        return Results.Content(Encoding.UTF8.GetString(bytes.ToArray()), "text/html; charset=utf-8",
            statusCode: status);
    }
}
