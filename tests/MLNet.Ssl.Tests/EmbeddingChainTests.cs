using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>A fitted chain that ends in an encoder is taken wherever the encoder alone
/// is, and answers the same.</summary>
public sealed class EmbeddingChainTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly string[] _files;
    private readonly IDataView _rows;
    private readonly TransformerChain<EmbeddingTransformer> _chain;

    public EmbeddingChainTests()
    {
        _files = [.. Enumerable.Range(0, 6).Select(i => _folder.File($"{i}.png"))];
        for (int i = 0; i < _files.Length; i++) TestImages.Image(i).Save(_files[i]);
        _rows = _ml.Data.LoadFromEnumerable(
            _files.Select((path, i) => new Photo { Path = path, Kind = $"kind {i % 2}" }));
        var network = new VisionTransformerOptions
        {
            ImageSize = 16,
            PatchSize = 4,
            EmbeddingDimension = 16,
            Depth = 2,
            Heads = 2
        };
        _chain = _ml.Transforms.LoadImages("Image", imageFolder: null, "Path")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label", "Kind"))
            .Append(_ml.SelfSupervised()
                .Pretrain("Embedding", "Image", TestImages.Untrained with { Backbone = network }))
            .Fit(_rows);
    }

    public void Dispose()
    {
        _chain.Dispose();
        _folder.Dispose();
    }

    private sealed class Photo
    {
        public string Path { get; set; } = "";

        public string Kind { get; set; } = "";
    }

    [Fact]
    public void AnIndexIsMadeAndSearchedWithTheChain()
    {
        var ssl = _ml.SelfSupervised();
        var index = ssl.Index(_chain, _files[..5]);
        index.Add(_chain, _files[5..]);
        var whole = ssl.Index(_chain.LastTransformer, _files);
        for (int row = 0; row < whole.Count; row++) TestImages.AssertClose(whole[row].ToArray(), index[row].ToArray());
        Assert.Equal(index.Search(_chain.LastTransformer, _files[2], 3), index.Search(_chain, _files[2], 3));
        using var image = MLImage.CreateFromFile(_files[2]);
        Assert.Equal(_files[2], index.Search(_chain, image, 1).Single().Key);
    }

    [Fact]
    public void AttentionMapsAndFilesAreThoseOfTheEncoder()
    {
        var ssl = _ml.SelfSupervised();
        using var image = MLImage.CreateFromFile(_files[1]);
        var expected = ssl.AttentionMaps(_chain.LastTransformer, _files[1], 32).Weights(0).ToArray();
        Assert.Equal(expected, ssl.AttentionMaps(_chain, _files[1], 32).Weights(0).ToArray());
        Assert.Equal(expected, ssl.AttentionMaps(_chain, image, 32).Weights(0).ToArray());
        _chain.SaveSafeTensors(_folder.File("chain.safetensors"));
        _chain.LastTransformer.SaveSafeTensors(_folder.File("encoder.safetensors"));
        Assert.Equal(File.ReadAllBytes(_folder.File("encoder.safetensors")),
            File.ReadAllBytes(_folder.File("chain.safetensors")));
        _chain.ExportOnnx(_folder.File("chain.onnx"));
        _chain.LastTransformer.ExportOnnx(_folder.File("encoder.onnx"));
        Assert.Equal(File.ReadAllBytes(_folder.File("encoder.onnx")), File.ReadAllBytes(_folder.File("chain.onnx")));
    }

    [Fact]
    public void AReportAndFineTuningTakeTheChain()
    {
        new PretrainReport().Write(_folder.File("report.html"), _chain, _rows, "Label");
        Assert.Contains(">kind 1<", File.ReadAllText(_folder.File("report.html")));
        var embedded = _chain.Transform(_rows);
        using var classifier = _ml.SelfSupervised()
            .FineTune("PredictedLabel", "Image", "Label", _chain, new() { Epochs = 1, BatchSize = 3 }).Fit(embedded);
        Assert.Equal(2, classifier.Classifier.NumberOfClasses);
    }
}
