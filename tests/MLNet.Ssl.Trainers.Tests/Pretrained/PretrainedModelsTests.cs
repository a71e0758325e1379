using System.Diagnostics;
using System.Security.Cryptography;
using Reply = MLNet.Ssl.Tests.LoopbackServer.Reply;

namespace MLNet.Ssl.Tests;

public sealed class PretrainedModelsTests : IDisposable
{
    private static readonly byte[] Weights = Bytes(1, 3_000_000);

    private static readonly string Hash = Convert.ToHexString(SHA256.HashData(Weights));

    private readonly TemporaryFolder _folder = new();
    private readonly List<TrainingMessage> _log = [];
    private readonly Dictionary<string, string> _environment = [];

    public PretrainedModelsTests()
    {
        _environment["XDG_CACHE_HOME"] = _folder.File("others");
    }

    public void Dispose() => _folder.Dispose();

    private PretrainedDownloadOptions Options => new() { CacheFolder = _folder.File("own"), Log = _log.Add, Timeout = TimeSpan.FromSeconds(20) };

    private string Place => Path.Combine(_folder.File("own"), "tiny", "tiny.pth");

    private string[] Left => [.. Directory.GetFiles(Path.GetDirectoryName(Place)!).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    [Fact]
    public void ADownloadIsWholeOrNotThereAndDoneOnce()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request));
        var progress = new List<PretrainedDownloadProgress>();
        var model = Model(server, Hash);
        Assert.Null(Find(model));
        Assert.Equal(Place, Download(model, progress: progress));
        Assert.Equal(Weights, File.ReadAllBytes(Place));
        Assert.Equal(Place, Download(model));
        Assert.Equal(Place, Find(model));
        Assert.Equal(new(Weights.Length, Weights.Length), progress[^1]);
        Assert.Equal(progress.Select(p => p.Bytes).Order(), progress.Select(p => p.Bytes));
        var request = Assert.Single(server.Requests);
        Assert.Equal("/weights/tiny.pth", request.Path);
        Assert.DoesNotContain("authorization", request.Headers.Keys);
        Assert.Equal(["tiny.pth", "tiny.pth.lock"], Left);
        Assert.Empty(_log);
    }

    [Theory]
    [InlineData(true, "a")]
    [InlineData(true, null)]
    [InlineData(false, "a")]
    public void ACutConnectionIsResumed(bool isKnown, string? etag)
    {
        int cuts = 0;
        using var server = new LoopbackServer(request => Reply.Part(Weights, request, etag) with { CutAfter = cuts++ < 3 ? 700_000 : null });
        Download(Model(server, isKnown ? Hash : null));
        Assert.Equal(Weights, File.ReadAllBytes(Place));
        Assert.Equal([0, 700_000, 1_400_000, 2_100_000], server.Requests.Select(request => request.From));
        Assert.Equal(3, _log.Count(m => m.IsWarning && m.Text.Contains("was cut, and is made again", StringComparison.Ordinal)));
    }

    [Fact]
    public void WhatOneCallHasReceivedTheNextGoesOnWith()
    {
        bool isCut = true;
        using var server = new LoopbackServer(request => Reply.Part(Weights, request, "a") with { CutAfter = isCut ? 400_000 : null });
        var error = Assert.Throws<IOException>(() => Download(Model(server, Hash), Options with { Retries = 1 }));
        Assert.Contains($"'{server.Address}weights/tiny.pth' after 800,000 of 3,000,000 bytes ended", error.Message);
        Assert.Contains($"'{Place}.partial'", error.Message);
        Assert.False(File.Exists(Place));
        isCut = false;
        Download(Model(server, Hash));
        Assert.Equal(Weights, File.ReadAllBytes(Place));
        Assert.Equal(800_000, server.Requests.Last().From);
    }

    [Fact]
    public void AServerWithoutRangesSendsAllOfItAgain()
    {
        int cuts = 0;
        using var server = new LoopbackServer(_ => new(Weights) { CutAfter = cuts++ < 2 ? 2_500_000 : null });
        Download(Model(server, Hash));
        Assert.Equal(Weights, File.ReadAllBytes(Place));
        Assert.Equal(3, server.Requests.Count);
    }

    [Fact]
    public void AFileThatHasChangedOnTheServerIsNotMixed()
    {
        byte[] other = Bytes(2, Weights.Length);
        int cuts = 0;
        using var server = new LoopbackServer(request => cuts++ == 0
            ? Reply.Part(Weights, request, "a") with { CutAfter = 900_000 }
            : Reply.Part(other, request, "b"));
        Download(Model(server, null));
        Assert.Equal(other, File.ReadAllBytes(Place));
        Assert.Equal("\"a\"", server.Requests.Last().Headers["if-range"]);
    }

    [Fact]
    public void WithoutHashAndTagADownloadBeginsAnew()
    {
        int cuts = 0;
        using var server = new LoopbackServer(request => Reply.Part(Weights, request) with { CutAfter = cuts++ == 0 ? 900_000 : null });
        Download(Model(server, null));
        Assert.Equal([0, 0], server.Requests.Select(request => request.From));
        Assert.Equal(Weights, File.ReadAllBytes(Place));
    }

    [Fact]
    public void ASilentServerCountsAsCut()
    {
        int asked = 0;
        using var server = new LoopbackServer(request =>
            Reply.Part(Weights, request) with { Pause = asked++ == 0 ? TimeSpan.FromSeconds(5) : TimeSpan.Zero });
        Download(Model(server, Hash), Options with { Timeout = TimeSpan.FromSeconds(1) });
        Assert.Contains(_log, m => m.Text.Contains("the server was silent for 1 s", StringComparison.Ordinal));
        Assert.Equal(Weights, File.ReadAllBytes(Place));
    }

    [Fact]
    public void AWrongHashIsThrownAway()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request));
        string wrong = new('a', 64);
        var error = Assert.Throws<InvalidDataException>(() => Download(Model(server, wrong)));
        Assert.Contains(Hash.ToLowerInvariant(), error.Message);
        Assert.Contains($"expected {wrong}", error.Message);
        Assert.Equal(["tiny.pth.lock"], Left);
        // A beginning, as in the names of torchvision's files, is compared too.
        Assert.Throws<InvalidDataException>(() => Download(Model(server, wrong[..8])));
        Download(Model(server, Hash[..8]));
    }

    [Theory]
    [InlineData(2_999_999)]
    [InlineData(3_000_001)]
    public void AWrongSizeIsRefusedBeforeItIsDownloaded(long bytes)
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request));
        var model = Model(server, null);
        var error = Assert.Throws<InvalidDataException>(() => Download(model with { Files = [model.Files[0] with { Bytes = bytes }] }));
        Assert.Contains($"has 3,000,000 bytes; expected {bytes:N0}", error.Message);
        Assert.Equal(["tiny.pth.lock"], Left);
    }

    [Fact]
    public void AnUnknownHashIsPinnedAndALaterDownloadMustBeTheSame()
    {
        byte[] sent = Weights;
        using var server = new LoopbackServer(request => Reply.Part(sent, request));
        var model = Model(server, null);
        Download(model);
        Assert.Contains(_log, m => m.IsWarning && m.Text.Contains($"{Hash.ToLowerInvariant()}, is pinned in '{Place}.sha256'", StringComparison.Ordinal));
        File.Delete(Place);
        sent = Bytes(2, 1000);
        Assert.Contains("as at the first download", Assert.Throws<InvalidDataException>(() => Download(model)).Message);
        sent = Weights;
        Download(model);
        Assert.Single(_log);
    }

    [Theory]
    [InlineData(404, false)]
    [InlineData(403, false)]
    [InlineData(503, true)]
    public void AServerThatRefusesIsAskedAgainOnlyIfThatMayHelp(int status, bool isAskedAgain)
    {
        using var server = new LoopbackServer(_ => new([], status));
        var error = Assert.Throws<IOException>(() => Download(Model(server, Hash), Options with { Retries = 1 }));
        Assert.Contains($"the server answers {status}", error.Message);
        Assert.Contains(server.Address, error.Message);
        Assert.Equal(isAskedAgain ? 2 : 1, server.Requests.Count);
    }

    [Fact]
    public void NobodyListensAndTheMessageSaysWhere()
    {
        var server = new LoopbackServer(_ => new([]));
        var model = Model(server, Hash);
        server.Dispose();
        Assert.Contains(model.Files[0].Address, Assert.Throws<IOException>(() => Download(model, Options with { Retries = 0 })).Message);
    }

    [Fact]
    public void ItIsCancelledAndGoesOn()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request, "a") with { Pause = request.From == 0 ? TimeSpan.FromSeconds(30) : default });
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        Assert.ThrowsAny<OperationCanceledException>(() => Download(Model(server, Hash), cancellation: source.Token));
        Assert.True(new FileInfo(Place + ".partial").Length > 0);
        Download(Model(server, Hash));
        Assert.True(server.Requests.Last().From > 0);
        Assert.Equal(Weights, File.ReadAllBytes(Place));
    }

    [Fact]
    public void TwoProcessesDownloadOnce()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request) with { Pause = TimeSpan.FromSeconds(2) });
        var processes = Enumerable.Range(0, 2).Select(_ => Start(server)).ToArray();
        foreach (var process in processes)
        {
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors);
            process.Dispose();
        }
        Assert.Single(server.Requests);
        Assert.Equal(Weights, File.ReadAllBytes(Place));
    }

    [Fact]
    public void AProcessThatIsKilledLeavesNoLockAndItsPartIsUsed()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request, "a") with { Pause = request.From == 0 ? TimeSpan.FromSeconds(60) : default });
        using (var process = Start(server))
        {
            while (!File.Exists(Place + ".partial") || new FileInfo(Place + ".partial").Length < 1_000_000) Thread.Sleep(50);
            process.Kill();
            process.WaitForExit();
        }
        Download(Model(server, Hash));
        Assert.True(server.Requests.Last().From >= 1_000_000);
        Assert.Equal(Weights, File.ReadAllBytes(Place));
    }

    [Fact]
    public void AFullDiskIsToldAndLeavesNothingThatLooksWhole()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var server = new LoopbackServer(request => Reply.Part(Weights, request, "a"));
        using (var process = Start(server, "1000000"))
        {
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(1, process.ExitCode);
            Assert.Contains($"'{Place}.partial' cannot be written", errors);
        }
        Assert.False(File.Exists(Place));
        Assert.Single(server.Requests);
        Download(Model(server, Hash));
        Assert.InRange(server.Requests.Last().From, 1, 1_000_000);
        Assert.Equal(Weights, File.ReadAllBytes(Place));
    }

    [Fact]
    public void AFileThatNoDiskHasRoomForIsRefusedBeforeItIsDownloaded()
    {
        using var server = new LoopbackServer(_ => new(Weights) { Length = 1L << 60 });
        Assert.Contains("are free", Assert.Throws<IOException>(() => Download(Model(server, Hash))).Message);
        Assert.Equal(["tiny.pth.lock"], Left);
    }

    [Fact]
    public void TorchHubsCacheComesFirst()
    {
        var model = PretrainedModels.Named("dino_vits16");
        Assert.Null(Find(model));
        string path = Write("others/torch/hub/checkpoints/dino_deitsmall16_pretrain.pth");
        Assert.Equal(path, Find(model));
        _environment["TORCH_HOME"] = _folder.File("torch home");
        Assert.Null(Find(model));
        Assert.Equal(Write("torch home/hub/checkpoints/dino_deitsmall16_pretrain.pth"), Find(model));
        // One of another size is not it.
        var large = model with { Files = [model.Files[0] with { Bytes = 4 }] };
        Assert.Null(Find(large));
        // Gated weights that the user has are used.
        Assert.Equal(Write("torch home/hub/checkpoints/dinov3_vits16_pretrain_lvd1689m-08c60483.pth"), Find(PretrainedModels.DinoV3Small));
    }

    [Theory]
    [InlineData("HF_HUB_CACHE", "hf", "hf")]
    [InlineData("HF_HOME", "hf", "hf/hub")]
    [InlineData(null, null, "others/huggingface/hub")]
    public void HuggingFacesCacheIsRead(string? variable, string? value, string hub)
    {
        if (variable is not null) _environment[variable] = _folder.File(value!);
        var model = PretrainedModels.DinoV2Small;
        Assert.Null(Find(model));
        string old = Write($"{hub}/models--facebook--dinov2-small/snapshots/1a/model.safetensors");
        Assert.Equal(old, Find(model));
        string blob = Write($"{hub}/models--facebook--dinov2-small/blobs/00ff"), newest = $"{hub}/models--facebook--dinov2-small/snapshots/0b";
        Directory.CreateDirectory(_folder.File(newest));
        File.CreateSymbolicLink(_folder.File($"{newest}/model.safetensors"), blob);
        Write($"{hub}/models--facebook--dinov2-small/refs/main", "0b\n");
        Assert.Equal(_folder.File($"{newest}/model.safetensors"), Find(model));
        Assert.Equal(_folder.File($"{newest}/model.safetensors"), Download(model));
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
            Headers = [$"Location: {store.Address}blob", $"X-Linked-Etag: \"{told}\"", $"X-Linked-Size: {Weights.Length}"],
        });
        (_environment["HF_ENDPOINT"], _environment["HF_TOKEN"]) = (hub.Address, "secret");
        var model = new PretrainedModel { Name = "tiny", Files = [new("hf://Owner/Some-Name/model.safetensors")], License = "none" };
        Assert.Equal(Weights, File.ReadAllBytes(Download(model)));
        var request = Assert.Single(hub.Requests);
        Assert.Equal("/Owner/Some-Name/resolve/main/model.safetensors", request.Path);
        Assert.Equal("Bearer secret", request.Headers["authorization"]);
        Assert.DoesNotContain("authorization", Assert.Single(store.Requests).Headers.Keys);
        File.Delete(_folder.File("own/Owner--Some-Name/model.safetensors"));
        told = new string('b', 64);
        Assert.Throws<InvalidDataException>(() => Download(model));
        // A mirror gets the path and no token.
        Assert.Equal(Weights, File.ReadAllBytes(Download(model, Options with { Mirror = store.Address + "mirror" })));
        Assert.Equal("/mirror/Owner/Some-Name/resolve/main/model.safetensors", store.Requests.Last().Path);
        Assert.DoesNotContain("authorization", store.Requests.Last().Headers.Keys);
    }

    [Fact]
    public void AMirrorHasTheFilesUnderTheirPaths()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request));
        Download(PretrainedModels.DinoSmall16, Options with { Mirror = server.Address + "mirror/" });
        Assert.Equal("/mirror/dino/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth", Assert.Single(server.Requests).Path);
    }

    [Fact]
    public void OfflineNothingIsDownloaded()
    {
        using var server = new LoopbackServer(request => Reply.Part(Weights, request));
        _environment["HF_HUB_OFFLINE"] = "1";
        Assert.Contains("HF_HUB_OFFLINE", Assert.Throws<InvalidOperationException>(() => Download(Model(server, Hash))).Message);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public void WeightsWithTermsAreTheUsersToGet()
    {
        foreach (var (model, license) in new[] { (PretrainedModels.DinoV3Base, "DINOv3 License"), (PretrainedModels.MoCoV3Small, "CC-BY-NC 4.0") })
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

    public static TheoryData<string> WrongAddresses => ["tiny.pth", "ftp://a/b.pth", "https://a/", "https://a/b/", "https://a/..", "https://a/%2e%2e", "hf://owner/name", "hf://owner"];

    [Theory]
    [MemberData(nameof(WrongAddresses))]
    public void AWrongAddressIsRefused(string address) =>
        Assert.Contains("Address is", Assert.Throws<ArgumentException>(() => Find(new() { Name = "a", Files = [new(address)], License = "none" })).Message);

    [Fact]
    public void WrongPartsAndOptionsAreRefusedByName()
    {
        var file = new PretrainedFile("https://a.example/b.pth");
        var model = new PretrainedModel { Name = "a", Files = [file], License = "none" };
        foreach (string name in new[] { "", "..", "a/../b", "a b", "/a", "a\\b" })
            Assert.Contains("Name is", Assert.Throws<ArgumentException>(() => Find(model with { Name = name })).Message);
        Assert.Contains("Files of 'a'", Assert.Throws<ArgumentException>(() => Find(model with { Files = [] })).Message);
        Assert.Contains("Sha256 is", Assert.Throws<ArgumentException>(() => Find(model with { Files = [file with { Sha256 = "xyz" }] })).Message);
        Assert.Contains("Bytes is 0", Assert.Throws<ArgumentOutOfRangeException>(() => Find(model with { Files = [file with { Bytes = 0 }] })).Message);
        Assert.Contains("Mirror is", Assert.Throws<ArgumentException>(() => Find(model, Options with { Mirror = "nowhere" })).Message);
        Assert.Contains("Retries is -1", Assert.ThrowsAny<ArgumentException>(() => Find(model, Options with { Retries = -1 })).Message);
        Assert.Contains("Timeout is", Assert.Throws<ArgumentOutOfRangeException>(() => Find(model, Options with { Timeout = TimeSpan.Zero })).Message);
    }

    /// <summary>Is a process that downloads (<see cref="TrainingProcess"/>).</summary>
    public static int DownloadAlone(string address, string cache, string hash)
    {
        try
        {
            var model = new PretrainedModel { Name = "tiny", Files = [new(address) { Sha256 = hash }], License = "none" };
            PretrainedModels.Download(model, new() { CacheFolder = cache });
            return 0;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private Process Start(LoopbackServer server, params string[] limit)
    {
        var start = TrainingProcess.Command(["download", server.Address + "weights/tiny.pth", _folder.File("own"), Hash, .. limit]);
        foreach (string name in new[] { "HF_HUB_OFFLINE", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE" }) start.Environment.Remove(name);
        start.Environment["XDG_CACHE_HOME"] = _folder.File("others");
        return Process.Start(start)!;
    }

    private static PretrainedModel Model(LoopbackServer server, string? hash) =>
        new() { Name = "tiny", Files = [new(server.Address + "weights/tiny.pth") { Sha256 = hash }], License = "none" };

    private string? Find(PretrainedModel model, PretrainedDownloadOptions? options = null)
    {
        // Checks both; what it finds is this machine's.
        _ = PretrainedModels.Find(model, options ?? Options);
        return Caches(options ?? Options).Find(model);
    }

    private string Download(PretrainedModel model, PretrainedDownloadOptions? options = null, List<PretrainedDownloadProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= Options;
        var caches = Caches(options);
        return caches.Find(model)
            ?? WeightDownload.RunAsync(model, caches, options, progress is null ? null : new Listed(progress), cancellation).GetAwaiter().GetResult();
    }

    private WeightCaches Caches(PretrainedDownloadOptions options) => new(options, _environment.GetValueOrDefault);

    private string Write(string name, string text = "weights")
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private static byte[] Bytes(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private sealed class Listed(List<PretrainedDownloadProgress> to) : IProgress<PretrainedDownloadProgress>
    {
        public void Report(PretrainedDownloadProgress value) => to.Add(value);
    }
}
