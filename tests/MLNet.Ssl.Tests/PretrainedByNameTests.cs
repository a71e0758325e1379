using Microsoft.ML;

namespace MLNet.Ssl.Tests;

/// <summary>The caches are the process's, so nothing else runs beside.</summary>
[CollectionDefinition(nameof(PretrainedByNameTests), DisableParallelization = true)]
[Collection(nameof(PretrainedByNameTests))]
public sealed class PretrainedByNameTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MLContext _ml = new(seed: 1);
    private readonly Dictionary<string, string?> _before = [];

    public PretrainedByNameTests()
    {
        Set("XDG_CACHE_HOME", _folder.File("caches"));
        foreach (string name in new[] { "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE" }) Set(name, null);
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before) Environment.SetEnvironmentVariable(name, value);
        _folder.Dispose();
    }

    [Fact]
    public void ANetworkThatIsInACacheIsLoadedByItsNameAsItsAuthorsUseIt()
    {
        string path = _folder.File("caches/torch/hub/checkpoints/dino_deitsmall16_pretrain.pth");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Weights());
        var ssl = _ml.SelfSupervised();
        var view = _ml.View(TestImages.Rows(3));
        foreach (var estimator in new[]
                 {
                     ssl.LoadPretrained("Embedding", "Image", PretrainedModels.DinoSmall16),
                     ssl.LoadPretrained("Embedding", "Image", "dino_vits16"),
                     ssl.LoadPretrained("Embedding", "Image", "facebook/dino-vits16"),
                 })
        {
            using var model = estimator.Fit(view);
            Assert.Equal(PretrainedModels.DinoSmall16.Preprocessing, ((ImageEncoder)model.Encoder).Preprocessing);
            Assert.All(_ml.Embeddings(model.Transform(view)), row => Assert.Equal(24, row.Embedding.Length));
        }
        using var small =
            ssl.LoadPretrained("Embedding", "Image", PretrainedModels.DinoSmall16, new() { ImageSize = 32 }).Fit(view);
        Assert.Equal(32, ((ImageEncoder)small.Encoder).Preprocessing.CropSize);
    }

    [Fact]
    public void AMisspelledNameIsToldTheNamesThereAre()
    {
        var ssl = _ml.SelfSupervised();
        var view = _ml.View(TestImages.Rows(3));
        foreach (Action load in (Action[])[() => ssl.LoadPretrained("Embedding", "Image", "dinov2_vits15"),
            () => ssl.Pretrain("Embedding", "Image", TestImages.Untrained with { InitialWeights = "dinov2_vits15" })
                .Fit(view)])
        {
            string message = Assert.Throws<FileNotFoundException>(load).Message;
            Assert.Contains("no file 'dinov2_vits15', and no published network of that name", message);
            Assert.Contains("dinov2_vits14,", message);
        }
    }

    [Fact]
    public void WhatIsNotThereIsDownloadedWhenThatIsAskedForAndNotBefore()
    {
        byte[] weights = Weights();
        using var server = new LoopbackServer(request => LoopbackServer.Reply.Part(weights, request));
        var model =
            new PretrainedModel { Name = "tiny", Files = [new(server.Address + "tiny.safetensors")], License = "MIT" };
        var ssl = _ml.SelfSupervised();
        string message = Assert.Throws<FileNotFoundException>(() => ssl.LoadPretrained("Embedding", "Image", model))
            .Message;
        Assert.Contains("PretrainedModels.Download", message);
        Assert.Contains("licence MIT", message);
        Assert.Empty(server.Requests);
        string path = PretrainedModels.Download(model);
        Assert.Equal(OperatingSystem.IsWindows() ? path : _folder.File("caches/mlnet-ssl/tiny/tiny.safetensors"), path);
        Assert.Equal(24, ssl.LoadPretrained("Embedding", "Image", model).Backbone.EmbeddingDimension);
        Assert.Equal(path, PretrainedModels.Find(model));
        Assert.Single(server.Requests);
    }

    [Fact]
    public void WhatIsMissingIsToldWithItsLicence()
    {
        var ssl = _ml.SelfSupervised();
        Assert.Contains("PretrainedModels.Named(\"dinov2_vits14\")",
            Assert.Throws<FileNotFoundException>(() => ssl.LoadPretrained("Embedding", "Image", "dinov2_vits14"))
                .Message);
        Assert.Contains("their licence is DINOv3 License",
            Assert.Throws<FileNotFoundException>(() =>
                ssl.LoadPretrained("Embedding", "Image", PretrainedModels.DinoV3Small)).Message);
        Assert.Contains("dinov2_vits15", Assert.Throws<FileNotFoundException>(() =>
            ssl.LoadPretrained("Embedding", "Image", "dinov2_vits15")).Message);
    }

    private byte[] Weights()
    {
        var options = TestImages.Untrained with
        {
            ImageSize = 32,
            Backbone = new VisionTransformerOptions
            {
                ImageSize = 32,
                PatchSize = 16,
                EmbeddingDimension = 24,
                Depth = 1,
                Heads = 2
            },
        };
        using var trained = _ml.SelfSupervised().Pretrain(options: options).Fit(_ml.View(TestImages.Rows(4)));
        trained.SaveSafeTensors(_folder.File("weights"));
        return File.ReadAllBytes(_folder.File("weights"));
    }

    private void Set(string name, string? value)
    {
        _before[name] = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, value);
    }
}
