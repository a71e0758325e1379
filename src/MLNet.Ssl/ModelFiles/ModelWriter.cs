using System.IO.Compression;
using System.Reflection;
using System.Text.Json;
using Microsoft.ML;
using MLNet.Ssl.Files;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Weights;
using static TorchSharp.torch;

namespace MLNet.Ssl.ModelFiles;

/// <summary>Writes a model file: entries as parts ask for them, and model.json at the end.</summary>
internal sealed class ModelWriter
{
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ModelDescription.Entry> _entries = [];

    private ModelWriter(MLContext context, ZipArchive archive) => (Context, _archive) = (context, archive);

    public MLContext Context { get; }

    /// <summary>This library's version, without the commit.</summary>
    public static string LibraryVersion { get; } =
        typeof(ModelWriter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    public static void Write(MLContext context, ITransformer model, DataViewSchema? schema, Stream stream)
    {
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        var writer = new ModelWriter(context, archive);
        var part = SavedPart.Of(model, writer);
        var columns = schema is null ? null : SavedSchema.Of(schema, writer);
        writer.AddAs(NoteToMLNet.EntryName, entry => entry.Write(NoteToMLNet.Bytes()));
        var description = new ModelDescription(
            ModelDescription.FormatName, ModelDescription.CurrentVersion, LibraryVersion, part, columns,
            writer._entries);
        archive.Comment = writer.AddEntry(
            ModelDescription.EntryName, entry =>
            JsonSerializer.Serialize(entry, description, BackboneJson.Options)).Sha256;
    }

    /// <summary>Adds an entry.</summary>
    /// <returns>Its name.</returns>
    public string Add(string extension, Action<Stream> write)
    {
        string name = $"parts/{_entries.Count:000}.{extension}";
        AddAs(name, write);
        return name;
    }

    public string AddTensors(Dictionary<string, Tensor> tensors) =>
        Add("safetensors", stream => SafeTensors.Write(stream, tensors));

    private void AddAs(string name, Action<Stream> write) => _entries.Add(name, AddEntry(name, write));

    private ModelDescription.Entry AddEntry(string name, Action<Stream> write)
    {
        var (length, hash) = StoredArchive.Write(_archive, name, write);
        return new(length, hash);
    }
}
