using System.IO.Compression;

namespace Microsoft.ML;

public sealed partial class ModelOperationsCatalog
{
    private const string SchemaEntry = "Schema";
    private const string ModelDirectory = "TransformerChain";

    public void Save(ITransformer model, DataViewSchema inputSchema, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(stream);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        using (var root = new ModelSaveContext(archive, "")) root.Save(model, ModelDirectory);
        if (inputSchema == null) return;
        using var writer = new BinaryWriter(archive.CreateEntry(SchemaEntry).Open());
        writer.WriteSchema(inputSchema);
    }

    public void Save(ITransformer model, DataViewSchema inputSchema, string filePath)
    {
        using var stream = File.Create(filePath);
        Save(model, inputSchema, stream);
    }

    public ITransformer Load(Stream stream, out DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        inputSchema = null;
        if (archive.GetEntry(SchemaEntry)?.Open() is { } entry)
        {
            using var reader = new BinaryReader(entry);
            inputSchema = reader.ReadSchema();
        }
        return (ITransformer)ModelLoadContext.Load(Environment, archive, ModelDirectory + "/");
    }

    public ITransformer Load(string filePath, out DataViewSchema inputSchema)
    {
        using var stream = File.OpenRead(filePath);
        return Load(stream, out inputSchema);
    }
}
