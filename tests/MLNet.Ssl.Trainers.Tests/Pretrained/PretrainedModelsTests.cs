using Reply = MLNet.Ssl.Tests.LoopbackServer.Reply;

namespace MLNet.Ssl.Tests;

/// <summary>What models there are by name, and where their files are looked for.</summary>
public sealed class PretrainedModelsTests : PretrainedFixture
{
    [Fact]
    public void TorchHubsCacheComesFirst()
    {
        var model = PretrainedModels.Named("dino_vits16");
        Assert.Null(Find(model));
        string path = Write("others/torch/hub/checkpoints/dino_deitsmall16_pretrain.pth");
        Assert.Equal(path, Find(model));
        Variables["TORCH_HOME"] = Folder.File("torch home");
        Assert.Null(Find(model));
        Assert.Equal(Write("torch home/hub/checkpoints/dino_deitsmall16_pretrain.pth"), Find(model));
        // One of another size is not it.
        var large = model with { Files = [model.Files[0] with { Bytes = 4 }] };
        Assert.Null(Find(large));
        // Gated weights that the user has are used.
        Assert.Equal(Write("torch home/hub/checkpoints/dinov3_vits16_pretrain_lvd1689m-08c60483.pth"),
            Find(PretrainedModels.DinoV3Small));
    }

    [Theory]
    [InlineData("HF_HUB_CACHE", "hf", "hf")]
    [InlineData("HF_HOME", "hf", "hf/hub")]
    [InlineData(null, null, "others/huggingface/hub")]
    public void HuggingFacesCacheIsRead(string? variable, string? value, string hub)
    {
        if (variable is not null) Variables[variable] = Folder.File(value!);
        var model = PretrainedModels.DinoV2Small;
        Assert.Null(Find(model));
        string old = Write($"{hub}/models--facebook--dinov2-small/snapshots/1a/model.safetensors");
        Assert.Equal(old, Find(model));
        string blob = Write($"{hub}/models--facebook--dinov2-small/blobs/00ff"),
            newest = $"{hub}/models--facebook--dinov2-small/snapshots/0b";
        Directory.CreateDirectory(Folder.File(newest));
        File.CreateSymbolicLink(Folder.File($"{newest}/model.safetensors"), blob);
        Write($"{hub}/models--facebook--dinov2-small/refs/main", "0b\n");
        Assert.Equal(Folder.File($"{newest}/model.safetensors"), Find(model));
        Assert.Equal(Folder.File($"{newest}/model.safetensors"), Download(model));
        File.Delete(blob);
        Assert.Equal(old, Find(model));
    }

    [Fact]
    public void HuggingFacesServerTellsTheHashAndGetsTheTokenAlone()
    {
        using var store = new LoopbackServer(request => Reply.Part(Weights, request));
        string told = Hash.ToLowerInvariant();
        using var hub = new LoopbackServer(_ => new([], 302)
        {
            Headers =
                [$"Location: {store.Address}blob", $"X-Linked-Etag: \"{told}\"", $"X-Linked-Size: {Weights.Length}"],
        });
        (Variables["HF_ENDPOINT"], Variables["HF_TOKEN"]) = (hub.Address, "secret");
        var model = new PretrainedModel
        {
            Name = "tiny",
            Files = [new("hf://Owner/Some-Name/model.safetensors")],
            License = "none"
        };
        Assert.Equal(Weights, File.ReadAllBytes(Download(model)));
        var request = Assert.Single(hub.Requests);
        Assert.Equal("/Owner/Some-Name/resolve/main/model.safetensors", request.Path);
        Assert.Equal("Bearer secret", request.Headers["authorization"]);
        Assert.DoesNotContain("authorization", Assert.Single(store.Requests).Headers.Keys);
        File.Delete(Folder.File("own/Owner--Some-Name/model.safetensors"));
        told = new string('b', 64);
        Assert.Throws<InvalidDataException>(() => Download(model));
        // A mirror gets the path and no token.
        Assert.Equal(Weights, File.ReadAllBytes(Download(model, Options with { Mirror = store.Address + "mirror" })));
        Assert.Equal("/mirror/Owner/Some-Name/resolve/main/model.safetensors", store.Requests.Last().Path);
        Assert.DoesNotContain("authorization", store.Requests.Last().Headers.Keys);
    }

    [Theory]
    [InlineData("ftp://a.example/tiny.pth", 1, "leads to 'ftp://a.example/tiny.pth', which is not encrypted")]
    [InlineData("/weights/tiny.pth", 9, "leads to more than 8 other addresses")]
    public void AnAddressThatLeadsAstrayOrInACircleIsLeft(string location, int requests, string message)
    {
        using var server = new LoopbackServer(_ => new([], 302) { Headers = [$"Location: {location}"] });
        Assert.Contains(message, Assert.Throws<IOException>(() => Download(Model(server, Hash))).Message);
        Assert.Equal(requests, server.Requests.Count());
        Assert.False(File.Exists(Place));
    }

    [Fact]
    public void AMirrorHasTheFilesUnderTheirPaths()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request));
        Download(PretrainedModels.DinoSmall16, Options with { Mirror = server.Address + "mirror/" });
        Assert.Equal("/mirror/dino/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth",
            Assert.Single(server.Requests).Path);
    }

    [Fact]
    public void OfflineNothingIsDownloaded()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request));
        Variables["HF_HUB_OFFLINE"] = "1";
        Assert.Contains("HF_HUB_OFFLINE",
            Assert.Throws<InvalidOperationException>(() => Download(Model(server, Hash))).Message);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public void WeightsWithTermsAreTheUsersToGet()
    {
        foreach (var (model, license) in new[] { (PretrainedModels.DinoV3Base, "DINOv3 License"),
            (PretrainedModels.MoCoV3Small, "CC-BY-NC 4.0") })
        {
            var error = Assert.Throws<InvalidOperationException>(() => Download(model));
            Assert.Contains(license, error.Message);
            Assert.Contains(model.Files[0].Name, error.Message);
            Assert.Contains(model.AskAt!, error.Message);
        }
    }

    [Fact]
    public void TheCatalogueIsConsistent()
    {
        foreach (var model in PretrainedModels.All)
        {
            model.Validate();
            Assert.Same(model, PretrainedModels.Named(model.Name));
            Assert.NotEmpty(model.Architecture);
            Assert.NotNull(model.Preprocessing);
        }
        Assert.Equal(PretrainedModels.All.Count, PretrainedModels.All.Select(model => model.Name).Distinct().Count());
        var named = PretrainedModels.Named("facebook/dinov2-small");
        Assert.Equal("hf://facebook/dinov2-small/model.safetensors", named.Files[0].Address);
        Assert.Equal(PretrainedModels.DinoV2Small.Files.Count, named.Files.Count);
        var error = Assert.Throws<ArgumentException>(() => PretrainedModels.Named("dinov9"));
        Assert.Contains("dinov2_vits14", error.Message);
    }

    public static TheoryData<string> WrongAddresses => ["tiny.pth", "ftp://a/b.pth", "https://a/", "https://a/b/",
        "https://a/..", "https://a/%2e%2e", "hf://owner/name", "hf://owner"];

    [Theory]
    [MemberData(nameof(WrongAddresses))]
    public void AWrongAddressIsRefused(string address) =>
        Assert.Contains("Address is", Assert.Throws<ArgumentException>(() =>
            Find(new() { Name = "a", Files = [new(address)], License = "none" })).Message);

    [Fact]
    public void WrongPartsAndOptionsAreRefusedByName()
    {
        var file = new PretrainedFile("https://a.example/b.pth");
        var model = new PretrainedModel { Name = "a", Files = [file], License = "none" };
        foreach (string name in new[] { "", "..", "a/../b", "a b", "/a", "a\\b" })
            Assert.Contains("Name is",
                Assert.Throws<ArgumentException>(() => Find(model with { Name = name })).Message);
        Assert.Contains("Files of 'a'",
            Assert.Throws<ArgumentException>(() => Find(model with { Files = [] })).Message);
        Assert.Contains("Sha256 is", Assert.Throws<ArgumentException>(() =>
            Find(model with { Files = [file with { Sha256 = "xyz" }] })).Message);
        Assert.Contains("Bytes is 0", Assert.Throws<ArgumentOutOfRangeException>(() =>
            Find(model with { Files = [file with { Bytes = 0 }] })).Message);
        Assert.Contains("Mirror is",
            Assert.Throws<ArgumentException>(() => Find(model, Options with { Mirror = "nowhere" })).Message);
        Assert.Contains("Retries is -1",
            Assert.ThrowsAny<ArgumentException>(() => Find(model, Options with { Retries = -1 })).Message);
        Assert.Contains("Timeout is", Assert.Throws<ArgumentOutOfRangeException>(() =>
            Find(model, Options with { Timeout = TimeSpan.Zero })).Message);
    }
}
