using System.IO.Compression;

namespace Microsoft.ML;

using Microsoft.ML.Runtime;

/// <summary>A component that reads itself back from a model file.</summary>
internal interface ILoadable : ICanSaveModel
{
    static abstract ICanSaveModel Load(ModelLoadContext ctx);
}

/// <summary>One directory of a model file, read in the order it was written.</summary>
internal sealed class ModelLoadContext(HostEnvironment environment, ZipArchive archive, string directory, BinaryReader reader)
{
    public const string KeyEntry = "Model.key";

    public HostEnvironment Environment => environment;
    public BinaryReader Reader => reader;

    public ICanSaveModel Load(string name) => Load(environment, archive, $"{directory}{name}/");

    public static ICanSaveModel Load(HostEnvironment environment, ZipArchive archive, string directory)
    {
        using var entry = archive.GetEntry(directory + KeyEntry)?.Open() ?? throw CannotLoad(directory);
        using var reader = new BinaryReader(entry);
        var type = Type.GetType(reader.ReadString()) ?? throw CannotLoad(directory);
        return Generic.Call(LoadAs<Data.TransformerChain<ITransformer>>, type, new ModelLoadContext(environment, archive, directory, reader));
    }

    private static ICanSaveModel LoadAs<T>(ModelLoadContext ctx) where T : ILoadable => T.Load(ctx);

    private static FormatException CannotLoad(string directory) => new($"Couldn't load model: '{directory.TrimEnd('/')}'");
}
