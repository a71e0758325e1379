using Microsoft.ML;
using Microsoft.ML.Runtime;
using MLNet.Ssl.Files;
using MLNet.Ssl.Hosting;
using MLNet.Ssl.ModelFiles;
using MLNet.Ssl.Tensors;

namespace MLNet.Ssl;

/// <summary>Saves and loads whole models; <see cref="SelfSupervisedCatalog.Model"/> gives it.</summary>
/// <remarks>
/// A model file of this library holds a chain of both kinds: each of ML.NET's transformers as ML.NET saves it, each of
/// this library's as JSON and safetensors, which other tools read too (docs/model-files.md). A loaded model gives the
/// same predictions to the last bit on the same machine. The usual extension is <c>.mlssl</c>; any other does as well.
/// </remarks>
public sealed class ModelFileCatalog
{
    private readonly MLContext _context;

    internal ModelFileCatalog(MLContext context) => _context = context;

    /// <summary>Writes a model into one file.</summary>
    /// <param name="model">A transformer or a chain, of this library's transformers, ML.NET's, and all others that
    /// <c>ml.Model.Save</c> can save, in any order and nesting.</param>
    /// <param name="inputSchema">The columns that the model was fitted on, to come back from <c>Load</c>; null
    /// to leave them out.</param>
    /// <param name="path">The file. An existing one is replaced when the new one is complete; on an error it stays as
    /// it was.</param>
    /// <exception cref="NotSupportedException">A transformer cannot be saved: the message names it.</exception>
    /// <exception cref="ObjectDisposedException">A transformer was disposed of.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written, or the path is that of a
    /// folder.</exception>
    public void Save(ITransformer model, DataViewSchema? inputSchema, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        AtomicFile.Write(path, stream => ModelWriter.Write(_context, model, inputSchema, stream));
    }

    /// <summary>Writes a model into a stream: all of it, or on an error of the model's nothing.</summary>
    /// <param name="model">As for a file.</param>
    /// <param name="inputSchema">As for a file.</param>
    /// <param name="stream">The stream, written to from where it stands; it stays open.</param>
    /// <exception cref="ArgumentException">The stream cannot be written to.</exception>
    /// <exception cref="NotSupportedException">A transformer cannot be saved: the message names it.</exception>
    /// <exception cref="ObjectDisposedException">A transformer was disposed of.</exception>
    public void Save(ITransformer model, DataViewSchema? inputSchema, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(model);
        TemporaryFile.Write(stream, file => ModelWriter.Write(_context, model, inputSchema, file));
    }

    /// <summary>Reads a model that <see cref="Save(ITransformer, DataViewSchema?, string)"/> wrote, in this or an
    /// earlier version of the library.</summary>
    /// <remarks>
    /// The library's own parts are numbers and JSON, and nothing in them is executed. ML.NET's parts are loaded by
    /// ML.NET, which loads assemblies by the names in them: load files that hold such parts only from where you would
    /// take a program. Encoders run on <see cref="MLContext.GpuDeviceId"/>, else on the CPU.
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <param name="inputSchema">The columns that the model was fitted on; null if they were not saved. Their values'
    /// ranges and names come along, hidden columns do not.</param>
    /// <returns>The model; a chain comes as a <c>TransformerChain&lt;ITransformer&gt;</c>. Dispose of it to free the
    /// encoders' memory.</returns>
    /// <exception cref="IOException">The file is missing or cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="InvalidDataException">The file is no model file, damaged, or of a newer format: the message
    /// names the file and the entry, and the version of the library that wrote it. Nothing of it stays in
    /// memory.</exception>
    /// <exception cref="InvalidOperationException">The GPU asked for is not there.</exception>
    public ITransformer Load(string path, out DataViewSchema? inputSchema)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = InputFile.Open(path);
        return Load(file, $"The model file '{path}'", out inputSchema);
    }

    /// <summary>Reads a model from a stream.</summary>
    /// <inheritdoc cref="Load(string, out DataViewSchema?)" path="/remarks"/>
    /// <param name="stream">The stream, read from where it stands to its end; it stays open. One that cannot seek is
    /// copied into a temporary file first.</param>
    /// <param name="inputSchema">The columns that the model was fitted on; null if they were not saved.</param>
    /// <returns>The model, which does not need the stream any more.</returns>
    /// <exception cref="ArgumentException">The stream cannot be read.</exception>
    /// <exception cref="InvalidDataException">It holds no model file, a damaged one, or one of a newer format; or it
    /// stands at its end.</exception>
    /// <exception cref="InvalidOperationException">The GPU asked for is not there.</exception>
    public ITransformer Load(Stream stream, out DataViewSchema? inputSchema)
    {
        (var model, inputSchema) = TemporaryFile.Read(stream, file =>
            (Load(file, "The model file in the stream", out var schema), schema));
        return model;
    }

    private ITransformer Load(Stream file, string name, out DataViewSchema? inputSchema)
    {
        NativeTorch.Require();
        using var channel = ((IHostEnvironment)_context).Start("LoadModel");
        (var model, inputSchema) = ModelReader.Read(_context, DeviceChoice.Of(_context, channel), file, name);
        return model;
    }

    /// <summary>Predictions one at a time, from any number of threads.</summary>
    /// <typeparam name="TSrc">Class of a row that goes in, such as one with an <c>MLImage</c> or a
    /// <c>float[]</c>.</typeparam>
    /// <typeparam name="TDst">Class of the row that comes out.</typeparam>
    /// <param name="model">The model, loaded or just fitted; it stays the caller's, whatever
    /// <see cref="PredictionEngineOptions.OwnsTransformer"/> says.</param>
    /// <param name="options">How engines are made; null for ML.NET's defaults.</param>
    public PredictionPool<TSrc, TDst> CreatePredictionPool<TSrc, TDst>(
        ITransformer model, PredictionEngineOptions? options = null)
        where TSrc : class where TDst : class, new() => new(_context, model, options);
}
