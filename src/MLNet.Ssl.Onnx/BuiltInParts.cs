using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using MLNet.Ssl.Hosting;
using static TorchSharp.torch;

namespace MLNet.Ssl.Onnx;

/// <summary>
/// The transformers of this library as chains of ML.NET's: the preprocessing of images as a custom mapping, which
/// ML.NET finds by the name of this assembly, networks and classifiers as ONNX models.
/// </summary>
internal sealed class BuiltInParts : IBuiltInParts
{
    private readonly MLContext _ml = new();

    public ITransformer Of(ITransformer transformer)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        return transformer switch
        {
            EmbeddingTransformer { Encoder: ImageEncoder images } embedding => Embedding(
                embedding, Images(
                    embedding.InputType, images.Preprocessing, embedding.ApplyExifOrientation,
                    RowModel.OfImages(images.Backbone, images.Preprocessing))),
            EmbeddingTransformer { Encoder: TableEncoder rows } embedding => Embedding(
                embedding, Vectors(rows.Columns, RowModel.OfTable(rows))),
            MulticlassTransformer features => Classification(
                features.Options, features.Label, features.Classifier.NumberOfClasses,
                slots => Vectors(features.Classifier.Dimension, RowModel.OfFeatures(features.Classifier, slots))),
            ImageClassificationTransformer { Classifier: var classifier } images => Classification(
                images.Columns, images.Label, classifier.NumberOfClasses,
                slots => Images(
                    images.InputType, classifier.Preprocessing, images.ApplyExifOrientation,
                    RowModel.OfImages(classifier.Network, classifier.Preprocessing, slots))),
            _ => throw new NotSupportedException($"{transformer.GetType()} is not known to this package."),
        };
    }

    private ITransformer Embedding(EmbeddingTransformer embedding, Network network) => Fit(
        embedding.InputColumnName, network,
        [_ml.Transforms.CopyColumns(embedding.OutputColumnName, Columns.Result)]);

    private ITransformer Classification(
        MulticlassOptions columns, DataViewSchema.Annotations label, int classes, Func<string[]?, Network> network)
    {
        var names = ClassNames.Of(label, classes);
        return Fit(columns.FeatureColumnName, network(names.Slots),
            [
                _ml.Transforms.CustomMapping(new ClassMapping().GetMapping(), ClassMapping.Contract),
                .. names.Steps(_ml, columns.PredictedLabelColumnName),
                _ml.Transforms.CopyColumns(columns.ScoreColumnName, Columns.Result),
            ]);
    }

    /// <summary>Preprocessing and a network of images.</summary>
    private Network Images(DataViewType? column, ImagePreprocessing preprocessing, bool upright, Stream model)
    {
        var settings = KeyValuePair.Create(1u, PreprocessorSettings.Write(preprocessing, column, upright));
        return new(column ?? new ImageDataViewType(),
            [
                _ml.Transforms.CustomMapping(new ConstantMapping().GetMapping(), ConstantMapping.Contract),
                _ml.Transforms.Conversion.MapValue(Columns.Settings, [settings], Columns.One),
                .. SizeMapping.Steps(_ml, column as ImageDataViewType),
                column switch
                {
                    TextDataViewType =>
                        _ml.Transforms.CustomMapping(new PathMapping().GetMapping(), PathMapping.Contract),
                    VectorDataViewType { ItemType: var item } when item == NumberDataViewType.Byte =>
                        _ml.Transforms.CustomMapping(new BytesMapping().GetMapping(), BytesMapping.Contract),
                    VectorDataViewType =>
                        _ml.Transforms.CustomMapping(new PixelMapping().GetMapping(), PixelMapping.Contract),
                    _ => _ml.Transforms.CustomMapping(new ImageMapping().GetMapping(), ImageMapping.Contract),
                },
                _ml.Transforms.ApplyOnnxModel(Columns.Result, Columns.Pixels, model),
            ]);
    }

    /// <summary>A network of vectors.</summary>
    private Network Vectors(int size, Stream model) => new(
        new VectorDataViewType(NumberDataViewType.Single, size),
        [_ml.Transforms.ApplyOnnxModel(Columns.Result, Columns.Input, model)]);

    private ITransformer Fit(string input, Network network, IEnumerable<IEstimator<ITransformer>> outputs)
    {
        IEstimator<ITransformer>[] steps =
            [_ml.Transforms.CopyColumns(Columns.Input, input), .. network.Steps, .. outputs];
        var view = Empty(input, network.Input);
        var fitted = new List<ITransformer>();
        try
        {
            // One by one: a chain looks at shapes first, in which a vector of any size is not one that a network takes.
            foreach (var step in steps) Add(step);
            Add(_ml.Transforms.DropColumns(
                [.. view.Schema.Select(column => column.Name).Where(Columns.IsBetween).Distinct()]));
            return new TransformerChain<ITransformer>([.. fitted]);
        }
        catch
        {
            foreach (var transformer in fitted) (transformer as IDisposable)?.Dispose();
            throw;
        }

        void Add(IEstimator<ITransformer> step)
        {
            fitted.Add(step.Fit(view));
            view = fitted[^1].Transform(view);
        }
    }

    private IDataView Empty(string column, DataViewType type) =>
        type switch
        {
            ImageDataViewType => Empty<ImageRow>(column, type),
            TextDataViewType => Empty<TextRow>(column, type),
            VectorDataViewType { ItemType: var item } when item == NumberDataViewType.Byte =>
                Empty<BytesRow>(column, type),
            _ => Empty<VectorRow>(column, type),
        };

    private IDataView Empty<TRow>(string column, DataViewType type) where TRow : class
    {
        var definition = SchemaDefinition.Create(typeof(TRow));
        (definition[0].ColumnName, definition[0].ColumnType) = (column, type);
        return _ml.Data.LoadFromEnumerable<TRow>([], definition);
    }

    /// <param name="Input">Type of the column that it reads.</param>
    /// <param name="Steps">From the input to the result.</param>
    private sealed record Network(DataViewType Input, IReadOnlyList<IEstimator<ITransformer>> Steps);

    private sealed class ImageRow
    {
        [ImageType(1, 1)]
        public MLImage? Input { get; set; }
    }

    private sealed class TextRow
    {
        public string Input { get; set; } = "";
    }

    private sealed class BytesRow
    {
        public VBuffer<byte> Input { get; set; }
    }

    private sealed class VectorRow
    {
        public VBuffer<float> Input { get; set; }
    }
}
