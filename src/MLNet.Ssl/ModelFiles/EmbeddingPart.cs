using System.Text.Json.Serialization;
using Microsoft.ML;
using MLNet.Ssl.Networks;

namespace MLNet.Ssl.ModelFiles;

/// <summary>
/// An <see cref="EmbeddingTransformer"/>: the network, what is done to its input, and how it was trained.
/// </summary>
/// <param name="Input">The input column.</param>
/// <param name="Output">The embedding's column.</param>
/// <param name="Method">Name of the method, if known.</param>
/// <param name="Options">The method's options, for readers of the description.</param>
/// <param name="Backbone">The network.</param>
/// <param name="Images">What is done to images; null for rows of a table.</param>
/// <param name="Table">What is done to rows of a table; null for images.</param>
/// <param name="Weights">The entry with the weights, a safetensors file as
/// <see cref="Encoder.SaveSafeTensors(string)"/> writes it.</param>
/// <param name="ApplyExifOrientation">Whether image files are turned as their EXIF data says.</param>
/// <param name="Column">The input column where it holds images; null where that is not known.</param>
internal sealed record EmbeddingPart(
    string Input, string Output, string? Method, IReadOnlyDictionary<string, string> Options, BackboneOptions Backbone,
    SavedImagePreprocessing? Images, SavedTablePreprocessing? Table, string Weights,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool ApplyExifOrientation = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] SavedInput? Column = null)
    : SavedPart
{
    public static EmbeddingPart Of(EmbeddingTransformer transformer, ModelWriter file)
    {
        var encoder = transformer.Encoder;
        var backbone = encoder.Backbone.Options
            ?? throw new NotSupportedException(
                $"The backbone {encoder.Backbone.GetType().Name} cannot be saved, as its "
                + $"{nameof(encoder.Backbone.Options)} are null: override them, and register their type by "
                + $"{nameof(Backbones)}.{nameof(Backbones.Register)}.");
        return new(transformer.InputColumnName, transformer.OutputColumnName, encoder.Method, encoder.TrainingOptions,
            backbone,
            encoder is ImageEncoder images ? SavedImagePreprocessing.Of(images.Preprocessing) : null,
            encoder is TableEncoder table ? SavedTablePreprocessing.Of(table.Preprocessing) : null,
            file.Add("safetensors", encoder.SaveSafeTensors), transformer.ApplyExifOrientation,
            SavedInput.Of(transformer.InputType));
    }

    public override ITransformer Restore(ModelReader file)
    {
        ArgumentException.ThrowIfNullOrEmpty(Input);
        ArgumentException.ThrowIfNullOrEmpty(Output);
        if (Images is null == Table is null || Backbone.TakesTables != Table is not null)
            throw new InvalidDataException(
                $"the embedding '{Output}' is neither one of images nor one of a table, or its backbone takes the "
                    + "other.");
        Backbone.Validate();
        return new EmbeddingTransformer(
            Images is null ? OfTable(file) : OfImages(file), Output, Input, file.Register("Embed"))
        {
            ApplyExifOrientation = ApplyExifOrientation,
            InputType = Column?.Restore(),
        };
    }

    private ImageEncoder OfImages(ModelReader file)
    {
        var preprocessing = Images!.Restore();
        if ((preprocessing.CropSize ?? preprocessing.Resize) is { } size) Backbone.ValidateViewSize(size);
        return new(CreateBackbone(file), preprocessing, file.Device) { Method = Method, TrainingOptions = Options };
    }

    private TableEncoder OfTable(ModelReader file)
    {
        var preprocessing = Table!.Restore();
        Backbone.ValidateColumns(preprocessing.Columns);
        return new(CreateBackbone(file), preprocessing, file.Device) { Method = Method, TrainingOptions = Options };
    }

    private Backbone CreateBackbone(ModelReader file) =>
        SavedNetwork.Read(file, Weights, Backbone.LeastSize, Backbone.Create);
}
