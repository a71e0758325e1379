using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using PhotoSearch;
using PhotoSearch.Stores;
using static Microsoft.Playwright.Assertions;

namespace MLNet.Ssl.Tests;

/// <summary>The site of the sample PhotoSearch, over HTTP and in a browser: a Chromium of this machine, of the PATH or
/// that MLNETSSL_CHROMIUM names.</summary>
public sealed class SearchSiteTests : IAsyncLifetime
{
    private const int Neighbors = 3;

    private readonly SmallPhotos _photos = new();
    private PhotoCollection _collection = null!;
    private WebApplication _site = null!;

    public async ValueTask InitializeAsync()
    {
        _collection = PhotoStores.Open("sqlite", null, _photos.Path, _photos.Generator);
        await _collection.EnsureCollectionExistsAsync();
        await _collection.UpsertAsync(_photos.Folder.Files.Select(path =>
            new IndexedPhoto { Path = path, Photo = SmallPhotos.Content(path) }));
        _site = SearchSite.Build(_collection, _photos.Folder, Neighbors, "http://127.0.0.1:0");
        await _site.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _site.DisposeAsync();
        _collection.Dispose();
        _photos.Dispose();
    }

    private string Address => _site.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    [Fact]
    public async Task ThePageAnswersAPhoto()
    {
        using var client = new HttpClient { BaseAddress = new(Address) };
        Assert.Contains("<form", await client.GetStringAsync("/"));
        var (status, page) = await Post(File.ReadAllBytes(_photos.Folder.Files[5]));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(1 + Neighbors, page.Split("<figure").Length - 1);
        Assert.Contains("05.png", page);
        (status, page) = await Post([1, 2, 3]);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("cannot be read", page);

        async Task<(HttpStatusCode, string)> Post(byte[] photo)
        {
            using var form = new MultipartFormDataContent { { new ByteArrayContent(photo), "photo", "query.png" } };
            using var answer = await client.PostAsync("/", form);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task ABrowserSearchesByPhotoAfterPhoto()
    {
        string? chromium = Chromium();
        Assert.SkipWhen(chromium is null, "There is no Chromium on the PATH, and MLNETSSL_CHROMIUM names none.");
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium });
        var page = await browser.NewPageAsync();
        var errors = new List<string>();
        page.PageError += (_, error) => errors.Add(error);
        await page.GotoAsync(Address);
        await Expect(page.GetByText("70 photos")).ToBeVisibleAsync();

        await Search("<i>query.png", File.ReadAllBytes(_photos.Folder.Files[5]));
        await Expect(page.Locator(".query h2")).ToHaveTextAsync("<i>query.png");
        var found = page.Locator(".neighbors figure");
        await Expect(found).ToHaveCountAsync(Neighbors);
        await Expect(found.First).ToContainTextAsync("1.000");
        await Expect(found.First).ToContainTextAsync("05.png");
        await page.WaitForFunctionAsync("""
            () => document.images.length === 4
                && [...document.images].every(image => image.complete && image.naturalWidth > 0)
            """);

        // One that is no image is refused, by a page that takes the next.
        await Search("notes.png", [1, 2, 3]);
        await Expect(page.GetByText("The photo cannot be read")).ToBeVisibleAsync();
        await Expect(found).ToHaveCountAsync(0);
        await Search("other.png", File.ReadAllBytes(_photos.Folder.Files[6]));
        await Expect(found.First).ToContainTextAsync("06.png");
        Assert.Empty(errors);

        async Task Search(string name, byte[] bytes)
        {
            var photo = new FilePayload { Name = name, MimeType = "image/png", Buffer = bytes };
            await page.GetByLabel("Photo to search for").SetInputFilesAsync(photo);
            await page.GetByRole(AriaRole.Button, new() { Name = "Search", Exact = true }).ClickAsync();
        }
    }

    private static string? Chromium() =>
        Environment.GetEnvironmentVariable("MLNETSSL_CHROMIUM") is { Length: > 0 } named ? named
        : (from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
           from name in (string[])["chromium", "chromium-browser", "google-chrome"]
           let path = Path.Combine(folder, name)
           where File.Exists(path)
           select path).FirstOrDefault();
}
