using System.IO.Compression;

namespace Microsoft.ML;

/// <summary>What a component writes itself to: one directory of the model file.</summary>
public sealed class ModelSaveContext : IDisposable
{
    private readonly ZipArchive _archive;
    private readonly string _directory;
    private MemoryStream _content;
    private BinaryWriter _writer;

    internal ModelSaveContext(ZipArchive archive, string directory) => (_archive, _directory) = (archive, directory);

    /// <summary>Names the type that reads back what follows; a component calls it first.</summary>
    internal BinaryWriter Begin<TComponent>() where TComponent : ILoadable
    {
        if (_writer != null) throw new InvalidOperationException("The component has already begun to save itself");
        _content = new MemoryStream();
        _writer = new BinaryWriter(_content);
        _writer.Write(typeof(TComponent).AssemblyQualifiedName);
        return _writer;
    }

    /// <summary>Saves a part in a directory of its own.</summary>
    internal void Save(ICanSaveModel component, string name)
    {
        using var part = new ModelSaveContext(_archive, $"{_directory}{name}/");
        component.Save(part);
        part.Finish();
    }

    private void Finish()
    {
        if (_writer == null) throw new InvalidOperationException("ModelSignature not specified!");
        _writer.Flush();
        using var entry = _archive.CreateEntry(_directory + ModelLoadContext.KeyEntry, CompressionLevel.Fastest).Open();
        _content.WriteTo(entry);
    }

    public void Dispose() => _writer?.Dispose();
}
