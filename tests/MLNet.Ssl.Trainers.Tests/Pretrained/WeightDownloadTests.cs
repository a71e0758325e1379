using System.Diagnostics;
using System.Text.Json;
using Reply = MLNet.Ssl.Tests.LoopbackServer.Reply;

namespace MLNet.Ssl.Tests;

/// <summary>A download is whole or not there, whatever the connection, the server, the
/// disk and other processes do.</summary>
public sealed class WeightDownloadTests : PretrainedFixture
{
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
        Assert.Empty(Log);
    }

    [Theory]
    [InlineData(true, "a")]
    [InlineData(true, null)]
    [InlineData(false, "a")]
    public void ACutConnectionIsResumed(bool isKnown, string? etag)
    {
        int cuts = 0;
        using var server = new LoopbackServer(request =>
            Reply.Part(Weights, request, etag) with { CutAfter = cuts++ < 3 ? 700_000 : null });
        Download(Model(server, isKnown ? Hash : null));
        Assert.Equal(Weights, File.ReadAllBytes(Place));
        Assert.Equal([0, 700_000, 1_400_000, 2_100_000], server.Requests.Select(request => request.From));
        Assert.Equal(3,
            Log.Count(m => m.IsWarning && m.Text.Contains("was cut, and is made again", StringComparison.Ordinal)));
    }

    [Fact]
    public void WhatOneCallHasReceivedTheNextGoesOnWith()
    {
        bool isCut = true;
        using var server =
            new LoopbackServer(request => Reply.Part(Weights, request, "a") with { CutAfter = isCut ? 400_000 : null });
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
        using var server = new LoopbackServer(request =>
            Reply.Part(Weights, request) with { CutAfter = cuts++ == 0 ? 900_000 : null });
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
        Assert.Contains(Log, m => m.Text.Contains("the server was silent for 1 s", StringComparison.Ordinal));
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
        var error = Assert.Throws<InvalidDataException>(() =>
            Download(model with { Files = [model.Files[0] with { Bytes = bytes }] }));
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
        Assert.Contains(Log, m => m.IsWarning
            && m.Text.Contains($"{Hash.ToLowerInvariant()}, is pinned in '{Place}.sha256'", StringComparison.Ordinal));
        File.Delete(Place);
        sent = Bytes(2, 1000);
        Assert.Contains("as at the first download", Assert.Throws<InvalidDataException>(() => Download(model)).Message);
        sent = Weights;
        Download(model);
        Assert.Single(Log);
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
        Assert.Contains(model.Files[0].Address,
            Assert.Throws<IOException>(() => Download(model, Options with { Retries = 0 })).Message);
    }

    [Fact]
    public async Task ItIsCancelledAndGoesOn()
    {
        using var server = new LoopbackServer(request =>
            Reply.Part(Weights, request, "a") with { Pause = request.From == 0 ? TimeSpan.FromSeconds(60) : default });
        using var source = new CancellationTokenSource();
        // The half that comes before the pause.
        var cancelling = Task.Run(() =>
        {
            WaitFor(() => Received >= 1_000_000);
            source.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(() => Download(Model(server, Hash), cancellation: source.Token));
        await cancelling;
        Assert.True(new FileInfo(Place + ".partial").Length > 0);
        Download(Model(server, Hash));
        Assert.True(server.Requests.Last().From > 0);
        Assert.Equal(Weights, File.ReadAllBytes(Place));
    }

    [Fact]
    public void TwoProcessesDownloadOnce()
    {
        using var server =
            new LoopbackServer(request => Reply.Part(Weights, request) with { Pause = TimeSpan.FromSeconds(2) });
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
        using var server = new LoopbackServer(request =>
            Reply.Part(Weights, request, "a") with { Pause = request.From == 0 ? TimeSpan.FromSeconds(60) : default });
        using (var process = Start(server))
        {
            WaitFor(() => Received >= 1_000_000);
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
        Assert.SkipUnless(OperatingSystem.IsLinux(),
            "Limits the size of files, which this test does by a call of Linux.");
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

    private static readonly string[] ShardNames =
        ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

    private static byte[] Index(params string[] files) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        metadata = new { total_size = 6_000_000 },
        weight_map = files.Index().ToDictionary(file => $"t{file.Index}", file => file.Item),
    });

    private static PretrainedModel Sharded(string address) =>
        new() { Name = "tiny", Files = [new(address)], License = "none" };

    [Fact]
    public void AnIndexBringsItsFiles()
    {
        byte[][] shards = [Weights, Bytes(2, 1_000_000)];
        byte[] index = Index(ShardNames);
        bool isCut = true;
        using var server = new LoopbackServer(request =>
            request.Path.Split('/')[^1] is var name && Array.IndexOf(ShardNames, name) is >= 0 and var i
            ? Reply.Part(shards[i], request, $"s{i}") with { CutAfter = isCut && i == 1 ? 300_000 : null }
            : Reply.Part(index, request, "i"));
        Variables["HF_ENDPOINT"] = server.Address;
        var model = Sharded("hf://Owner/Large/model.safetensors.index.json");
        // The second file is cut for good: what is whole stays, the rest is not taken for it.
        Assert.Throws<IOException>(() => Download(model, Options with { Retries = 0 }));
        Assert.Null(Find(model));
        isCut = false;
        string path = Download(model);
        Assert.Equal(Folder.File("own/Owner--Large/model.safetensors.index.json"), path);
        Assert.Equal(path, Find(model));
        for (int i = 0; i < 2; i++)
            Assert.Equal(shards[i], File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(path)!, ShardNames[i])));
        // Each was asked for once, but for the one that was cut, which went on.
        Assert.Equal(
            ["/Owner/Large/resolve/main/model.safetensors.index.json",
                .. ShardNames.Append(ShardNames[1]).Select(name => $"/Owner/Large/resolve/main/{name}")],
            server.Requests.Select(request => request.Path));
        Assert.Equal(300_000, server.Requests.Last().From);
        // One that is lost is brought again, and no other.
        File.Delete(Path.Combine(Path.GetDirectoryName(path)!, ShardNames[0]));
        Assert.Null(Find(model));
        Download(model);
        Assert.Equal(5, server.Requests.Count);
        Assert.EndsWith(ShardNames[0], server.Requests.Last().Path);
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("sub/model.safetensors")]
    [InlineData("a%2fb.safetensors")]
    [InlineData("..")]
    public void AnIndexLeadsNowhereElse(string file)
    {
        byte[] index = Index(ShardNames[0], file);
        using var server = new LoopbackServer(request => Reply.Part(index, request, "i"));
        var model = Sharded(server.Address + "large/model.safetensors.index.json");
        var error = Assert.Throws<InvalidDataException>(() => Download(model));
        Assert.Contains("is refused, and is thrown away", error.Message);
        Assert.Single(server.Requests);
        Assert.DoesNotContain("model.safetensors.index.json", Left);
    }

    [Fact]
    public void HuggingFacesCacheOfSeveralFilesCountsWhenAllAreThere()
    {
        const string Snapshot = "others/huggingface/hub/models--owner--large/snapshots/1a/";
        var model = Sharded("hf://owner/large/model.safetensors.index.json");
        string index =
            Write(Snapshot + "model.safetensors.index.json", System.Text.Encoding.UTF8.GetString(Index(ShardNames)));
        Write(Snapshot + ShardNames[0]);
        Assert.Null(Find(model));
        Write(Snapshot + ShardNames[1]);
        Assert.Equal(index, Find(model));
        File.WriteAllText(index, "{");
        Assert.Null(Find(model));
    }

    /// <summary>Is a process that downloads (<see cref="TrainingProcess"/>).</summary>
    public static int DownloadAlone(string address, string cache, string hash)
    {
        try
        {
            var model =
                new PretrainedModel { Name = "tiny", Files = [new(address) { Sha256 = hash }], License = "none" };
            PretrainedModels.Download(model, new() { CacheFolder = cache });
            return 0;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private long Received => new FileInfo(Place + ".partial") is { Exists: true } partial ? partial.Length : 0;

    private static void WaitFor(Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromMinutes(1)), "It did not come within a minute.");

    private Process Start(LoopbackServer server, params string[] limit)
    {
        var start = TrainingProcess.Command(
            ["download", server.Address + "weights/tiny.pth", Folder.File("own"), Hash, .. limit]);
        foreach (string name in new[] { "HF_HUB_OFFLINE", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE" })
            start.Environment.Remove(name);
        start.Environment["XDG_CACHE_HOME"] = Folder.File("others");
        return Process.Start(start)!;
    }
}
