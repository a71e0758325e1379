using Microsoft.ML;
using MLNet.Ssl.Classification;

namespace MLNet.Ssl;

/// <summary>
/// Estimators that learn an embedding from rows without labels; <see cref="SelfSupervisedExtensions.SelfSupervised"/>
/// gives it.
/// </summary>
public sealed partial class SelfSupervisedCatalog
{
    private readonly MLContext _context;

    internal SelfSupervisedCatalog(MLContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _context = context;
        Data = new();
        Evaluate = new(context);
        Model = new(context);
    }

    /// <summary>Data for learning: folders of images.</summary>
    public ImageDataCatalog Data { get; }

    /// <summary>The protocols that measure how good an embedding is.</summary>
    public EvaluationCatalog Evaluate { get; }

    /// <summary>Saves and loads whole models, ML.NET's transformers and this library's in one file.</summary>
    public ModelFileCatalog Model { get; }

    /// <summary>Learns an encoder from a column of images, or of rows of a table, and embeds them with it.</summary>
    /// <param name="outputColumnName">Column that receives the embedding, a known-size vector of Single.</param>
    /// <param name="inputColumnName">Column of the images: <c>MLImage</c> of any size, paths of image files as text,
    /// the bytes of image files as a vector of Byte of variable size, or a known-size vector of Single with the
    /// dimensions (3, height, width) or (height, width, 3) and values in 0..255, as <c>ExtractPixels</c> gives by
    /// default. Or column of rows of a table: a known-size vector of Single of any other form. Null means the output
    /// column if the data has it, else "Image", "ImagePath" or "Features".</param>
    /// <param name="options">The method and its options, such as <see cref="DinoOptions"/> or
    /// <see cref="SimClrOptions"/>. Null means the one that serves most on little data of the column's type: SimCLR for
    /// images; masked reconstruction for tables (<see cref="MaskedReconstructionOptions"/>), whose embeddings did
    /// better with few labels than the values themselves. The log says so.</param>
    public PretrainingEstimator Pretrain(
        string outputColumnName = "Embedding", string? inputColumnName = null, PretrainOptions? options = null) =>
        new(_context, outputColumnName, inputColumnName, options);

    /// <summary>Learns by self-distillation without labels (DINO; Caron et al., arXiv 2104.14294).</summary>
    /// <inheritdoc cref="Pretrain"/>
    public PretrainingEstimator Dino(
        string outputColumnName = "Embedding", string? inputColumnName = null, DinoOptions? options = null) =>
        Pretrain(outputColumnName, inputColumnName, options ?? new DinoOptions());

    /// <summary>
    /// Learns by contrasting two views of each row with all others (SimCLR; Chen et al., arXiv 2002.05709).
    /// </summary>
    /// <inheritdoc cref="Pretrain"/>
    public PretrainingEstimator SimClr(
        string outputColumnName = "Embedding", string? inputColumnName = null, SimClrOptions? options = null) =>
        Pretrain(outputColumnName, inputColumnName, options ?? new SimClrOptions());

    /// <summary>
    /// Learns by finding the key of each row in a queue of earlier ones (MoCo v2 and v1; Chen et al., arXiv
    /// 2003.04297).
    /// </summary>
    /// <inheritdoc cref="Pretrain"/>
    public PretrainingEstimator MoCo(
        string outputColumnName = "Embedding", string? inputColumnName = null, MoCoOptions? options = null) =>
        Pretrain(outputColumnName, inputColumnName, options ?? new MoCoOptions());

    /// <summary>
    /// Learns by predicting a slow copy's view of each row among all others (MoCo v3; Chen et al., arXiv 2104.02057).
    /// </summary>
    /// <inheritdoc cref="Pretrain"/>
    public PretrainingEstimator MoCoV3(
        string outputColumnName = "Embedding", string? inputColumnName = null, MoCoV3Options? options = null) =>
        Pretrain(outputColumnName, inputColumnName, options ?? new MoCoV3Options());

    /// <summary>
    /// Learns by predicting a slow copy's view of each row, without negatives (BYOL; Grill et al., arXiv 2006.07733).
    /// </summary>
    /// <inheritdoc cref="Pretrain"/>
    public PretrainingEstimator Byol(
        string outputColumnName = "Embedding", string? inputColumnName = null, ByolOptions? options = null) =>
        Pretrain(outputColumnName, inputColumnName, options ?? new ByolOptions());

    /// <summary>
    /// Learns to tell which slots of a table's row were changed, and what stood there (masked reconstruction, VIME;
    /// Yoon et al., NeurIPS 2020).
    /// </summary>
    /// <inheritdoc cref="Pretrain"/>
    public PretrainingEstimator MaskedReconstruction(
        string outputColumnName = "Embedding", string? inputColumnName = null,
        MaskedReconstructionOptions? options = null) =>
        Pretrain(outputColumnName, inputColumnName, options ?? new MaskedReconstructionOptions());

    /// <summary>
    /// Embeds images with an encoder that was pretrained elsewhere: an official checkpoint of DINO, MoCo or SDMP, a
    /// ResNet of torchvision, or a file that <see cref="EmbeddingTransformer.SaveSafeTensors(string)"/> wrote. The file
    /// is recognised and checked here, and read when the estimator is fitted.
    /// </summary>
    /// <param name="outputColumnName">Column that receives the embedding, a known-size vector of Single.</param>
    /// <param name="inputColumnName">Column of the images, as for <see cref="Pretrain"/>, null included.</param>
    /// <param name="path">The file: .pth, .pth.tar or .safetensors (<see cref="PretrainedWeights"/>). Or the name of a
    /// published network (<see cref="PretrainedModels.Named"/>), if there is no such file.</param>
    /// <param name="options">What the file's names and shapes do not say; null means all Auto.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, refused or of no known network; the message names
    /// file and tensor.</exception>
    public PretrainedEstimator LoadPretrained(
        string outputColumnName, string? inputColumnName, string path, PretrainedOptions? options = null) =>
        !File.Exists(path) && PretrainedModels.Lookup(path) is { } model
            ? LoadPretrained(outputColumnName, inputColumnName, model, options)
            : new(_context, outputColumnName, inputColumnName, PretrainedModels.FileOf(path), options);

    /// <summary>
    /// Embeds images with an encoder that was pretrained elsewhere, whose file comes as a stream.
    /// </summary>
    /// <param name="outputColumnName">Column that receives the embedding, a known-size vector of Single.</param>
    /// <param name="inputColumnName">Column of the images, as for <see cref="Pretrain"/>, null included.</param>
    /// <param name="stream">The file, .pth, .pth.tar or .safetensors, at most 2 GB: read from where the stream stands
    /// to its end, and kept in memory until the estimator is gone. The stream stays open.</param>
    /// <param name="options">What the file's names and shapes do not say; null means all Auto.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the stream cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, refused, of no known network or larger than 2 GB, or
    /// the stream stands at its end.</exception>
    public PretrainedEstimator LoadPretrained(
        string outputColumnName, string? inputColumnName, Stream stream, PretrainedOptions? options = null) =>
        new(_context, outputColumnName, inputColumnName, stream, options);

    /// <summary>
    /// Embeds images with a published network, whose weights are on this machine already: nothing is downloaded here.
    /// </summary>
    /// <param name="outputColumnName">Column that receives the embedding, a known-size vector of Single.</param>
    /// <param name="inputColumnName">Column of the images, as for <see cref="Pretrain"/>, null included.</param>
    /// <param name="model">The network, such as <see cref="PretrainedModels.DinoV2Small"/>. Its weights are looked for
    /// in the caches of torch.hub and Hugging Face, and where <see cref="PretrainedModels.Download"/> puts
    /// them.</param>
    /// <param name="options">What else is to be said; null means all Auto, with the network's own
    /// preprocessing.</param>
    /// <exception cref="ArgumentException">An option or a part of the model is out of range.</exception>
    /// <exception cref="FileNotFoundException">The weights are not there; the message says how to get them, and their
    /// licence.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, refused or of no known network; the message names
    /// file and tensor.</exception>
    public PretrainedEstimator LoadPretrained(
        string outputColumnName, string? inputColumnName, PretrainedModel model, PretrainedOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new(
            _context, outputColumnName, inputColumnName, PretrainedModels.Require(model), model.Complete(options));
    }

    /// <summary>
    /// Trains an encoder further on labels, all of it, with a classifier on top (<see cref="FineTuner"/>).
    /// </summary>
    /// <param name="predictedLabelColumnName">Column that receives the predicted class, a key with the label's
    /// values.</param>
    /// <param name="inputColumnName">Column of the images.</param>
    /// <param name="labelColumnName">Column of the classes, a key; rows without one are left out.</param>
    /// <param name="encoder">Where it starts; it stays as it is.</param>
    /// <param name="options">How; null means all defaults.</param>
    /// <param name="scoreColumnName">Column that receives the class probabilities, a vector of Single.</param>
    /// <exception cref="NotSupportedException">The encoder embeds rows of a table.</exception>
    public ImageClassificationEstimator FineTune(
        string predictedLabelColumnName, string inputColumnName, string labelColumnName, EmbeddingTransformer encoder,
        FineTuneOptions? options = null, string scoreColumnName = "Score") =>
        ImageClassificationEstimator.FineTune(
            _context, Columns(predictedLabelColumnName, inputColumnName, labelColumnName, scoreColumnName), encoder,
            options);

    /// <summary>
    /// Trains a student by what a classifier says of images, with labels or without (<see cref="Distiller"/>).
    /// </summary>
    /// <param name="predictedLabelColumnName">Column that receives the predicted class, a key with the label's
    /// values.</param>
    /// <param name="inputColumnName">Column of the images.</param>
    /// <param name="labelColumnName">Column of the classes, a key that counts them as the teacher does and may be
    /// missing in any row; null for none.</param>
    /// <param name="teacher">The classifier; it stays as it is.</param>
    /// <param name="options">How; null means all defaults: a student of the teacher's architecture, by the teacher's
    /// labels alone.</param>
    /// <param name="scoreColumnName">Column that receives the class probabilities, a vector of Single.</param>
    public ImageClassificationEstimator Distill(
        string predictedLabelColumnName, string inputColumnName, string? labelColumnName,
        ImageClassificationTransformer teacher, DistillOptions? options = null, string scoreColumnName = "Score") =>
        ImageClassificationEstimator.Distill(
            _context, Columns(predictedLabelColumnName, inputColumnName, labelColumnName ?? "Label", scoreColumnName),
            labelColumnName, teacher, options);

    private static ImageClassificationColumns Columns(string predicted, string input, string label, string score) =>
        new()
        {
            PredictedLabelColumnName = predicted,
            FeatureColumnName = input,
            LabelColumnName = label,
            ScoreColumnName = score,
        };
}
