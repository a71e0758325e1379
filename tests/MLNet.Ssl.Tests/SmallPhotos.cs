using Microsoft.Extensions.AI;
using Microsoft.ML;
using PhotoSearch;

namespace MLNet.Ssl.Tests;

/// <summary>A folder of small pictures, 00.png to 69.png, and an encoder that is not trained.</summary>
internal sealed class SmallPhotos : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SmallPhotos()
    {
        using var generator = new TorchSharp.torch.Generator(5, TorchSharp.torch.CPU);
        Encoder = new(new ImageEncoder(TestImages.Untrained.Backbone!.Create(generator), ImagePreprocessing.For(16)),
            "Embedding", "Image");
        Generator = Encoder.AsEmbeddingGenerator();
        Directory.CreateDirectory(_folder.File("photos"));
        for (int i = 0; i < 70; i++)
        {
            using var image = TestImages.Image(i);
            image.Save(_folder.File($"photos/{i:00}.png"));
        }
        Folder = PhotoFolder.Open(new MLContext().SelfSupervised().Data, _folder.File("photos"));
    }

    /// <summary>A folder beside the photos.</summary>
    public string Path => _folder.Path;

    public PhotoFolder Folder { get; }

    public EmbeddingTransformer Encoder { get; }

    public IEmbeddingGenerator<DataContent, Embedding<float>> Generator { get; }

    public static DataContent Content(string path) => new(File.ReadAllBytes(path), "image/png");

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Generator.Dispose();
        Encoder.Dispose();
        _folder.Dispose();
    }
}
