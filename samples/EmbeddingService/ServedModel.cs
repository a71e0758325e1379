using Microsoft.ML;
using MLNet.Ssl;
using MLNet.Ssl.Samples;

namespace EmbeddingService;

/// <summary>The encoder that the service asks, out of a model of any shape.</summary>
public sealed class ServedModel : IDisposable
{
    private readonly ITransformer _model;

    public ServedModel(ITransformer model, string description)
    {
        _model = model;
        Encoder = Find(model)?.Encoder as ImageEncoder
            ?? throw new ArgumentException("The model has no transformer that embeds images.", nameof(model));
        Description =
            $"{description}: {Encoder.Method ?? "unknown method"}, embeddings of {Encoder.EmbeddingDimension} numbers";
    }

    public ImageEncoder Encoder { get; }

    public string Description { get; }

    public static ServedModel Load(string path) =>
        new(new MLContext().SelfSupervised().Model.Load(path, out _), Path.GetFileName(path));

    /// <summary>Learns from the images of Fashion-MNIST, so that the service can be tried at once.</summary>
    public static ServedModel Learn()
    {
        Console.WriteLine(
            "No --model is given: a small one learns from the images of Fashion-MNIST. Its embeddings are for trying "
                + "the service, not for use.");
        var ml = new MLContext(seed: 1);
        var images = ml.Data.LoadFromEnumerable(FashionMnist.Read().Train.Rows());
        var options = SmallSettings.SimClr with { Epochs = 1, Progress = new ConsoleProgress() };
        return new(ml.SelfSupervised().Pretrain("Embedding", "Image", options).Fit(images), "a model of Fashion-MNIST");
    }

    public void Dispose() => (_model as IDisposable)?.Dispose();

    private static EmbeddingTransformer? Find(ITransformer model) =>
        model as EmbeddingTransformer
            ?? (model as IEnumerable<ITransformer>)?.Select(Find).FirstOrDefault(found => found is not null);
}
