using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.ModelFiles;

/// <summary>A transformer as the description in a model file has it; its numbers are in entries of their own.</summary>
/// <remarks>A new kind of transformer is one record that derives from this, one line here and
/// one in <see cref="Of"/>.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(ChainPart), "chain")]
[JsonDerivedType(typeof(MLNetPart), "ml.net")]
[JsonDerivedType(typeof(EmbeddingPart), "embedding")]
[JsonDerivedType(typeof(NearestNeighborsPart), "nearest-neighbors")]
[JsonDerivedType(typeof(LinearProbePart), "linear-probe")]
[JsonDerivedType(typeof(ImageClassificationPart), "image-classification")]
internal abstract record SavedPart
{
    /// <summary>Describes a transformer, and writes its numbers.</summary>
    public static SavedPart Of(ITransformer transformer, ModelWriter file) => transformer switch
    {
        EmbeddingTransformer embedding => EmbeddingPart.Of(embedding, file),
        NearestNeighborsTransformer knn => NearestNeighborsPart.Of(knn, file),
        LinearProbeTransformer probe => LinearProbePart.Of(probe, file),
        ImageClassificationTransformer images => ImageClassificationPart.Of(images, file),
        IEnumerable<ITransformer> members when IsChain(transformer.GetType()) =>
        ChainPart.Of([.. members], transformer, file),
        _ => MLNetPart.SavedByMLNet(transformer, file),
    };

    /// <summary>The transformer again.</summary>
    public abstract ITransformer Restore(ModelReader file);

    private static bool IsChain(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(TransformerChain<>);
}
