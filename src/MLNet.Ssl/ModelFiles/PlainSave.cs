namespace MLNet.Ssl;

/// <summary>ML.NET offers a transformer of another library no way to write its weights into the files of <c>ml.Model.Save</c>.</summary>
internal static class PlainSave
{
    public static NotSupportedException Refused(string transformer, bool hasOnnx) => new(
        $"{transformer} cannot be saved by ml.Model.Save, which lets other libraries' transformers write nothing. Save the model by "
        + "ml.SelfSupervised().Model.Save(model, schema, path), which stores ML.NET's transformers and this library's in one file"
        + (hasOnnx ? "; or write the encoder by ExportOnnx and put ml.Transforms.ApplyOnnxModel in its place, which ml.Model.Save can save." : "."));
}
