namespace MLNet.Ssl.Hosting;

/// <summary>
/// What <c>ml.Model.Save</c> answers: ML.NET gives a transformer of another library no way to write its weights there.
/// </summary>
internal static class ModelSave
{
    public static NotSupportedException Unsupported(string transformer, bool hasOnnx) => new(
        $"{transformer} cannot be saved by ml.Model.Save, which lets other libraries' transformers write nothing. "
        + "Save the model by ml.SelfSupervised().Model.Save(model, schema, path), which stores ML.NET's transformers "
        + "and this library's in one file"
        + (hasOnnx
            ? "; or write the encoder by ExportOnnx and put ml.Transforms.ApplyOnnxModel in its place, which "
                + "ml.Model.Save can save."
            : "."));
}
