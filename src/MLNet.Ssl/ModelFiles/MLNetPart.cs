using Microsoft.ML;

namespace MLNet.Ssl.ModelFiles;

/// <summary>A transformer of ML.NET or of another library, saved and loaded by ML.NET.</summary>
/// <param name="Type">Name of its type, for readers of the description.</param>
/// <param name="Model">The entry with what <c>ml.Model.Save</c> writes.</param>
internal sealed record MLNetPart(string Type, string Model) : SavedPart
{
    public static MLNetPart SavedByMLNet(ITransformer transformer, ModelWriter file)
    {
        string type = transformer.GetType().ToString();
        using var model = new MemoryStream();
        try
        {
            file.Context.Model.Save(transformer, null, model);
        }
        catch (Exception e)
        {
            throw new NotSupportedException($"The transformer {type} cannot be saved by ML.NET: {e.Message}", e);
        }
        return new(type, file.Add("zip", stream => stream.Write(model.ToArray())));
    }

    public override ITransformer Restore(ModelReader file) =>
        file.Read(Model, stream => file.Context.Model.Load(stream, out _));
}
