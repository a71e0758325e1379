using System.Buffers;
using System.Runtime.InteropServices;
using Google.Protobuf;
using MLNet.Ssl.Files;
using MLNet.Ssl.Inference;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Onnx;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using MLNet.Ssl.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>A trained backbone with the preprocessing it expects: row → embedding. Safe to use from
/// several threads at once.</summary>
public abstract class Encoder : IDisposable
{
    // A part of the batch to each thread is several times faster than all threads on every operator.
    private static readonly Lazy<ShardThreads> Pool =
        new(() => new(Environment.ProcessorCount, Environment.ProcessorCount));

    private readonly Backbone _backbone;
    private readonly int _leastPart, _mostPart;
    private readonly SharedUse _use;
    private Lazy<Backbone> _network;
    private int _threads = IntraOpThreads.ForPredictions;

    /// <summary>Takes over <paramref name="backbone"/>, which must be on <paramref name="device"/>, and puts
    /// it into evaluation mode.</summary>
    /// <remarks>Fewer rows than leastPart are not worth a thread of their own, and more than mostPart at a
    /// time would only hold memory.</remarks>
    private protected Encoder(Backbone backbone, Device? device, int leastPart, int mostPart)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        (_backbone, Device, _leastPart, _mostPart) = (backbone, device ?? CPU, leastPart, mostPart);
        Accelerated = Device.type != DeviceType.CPU;
        backbone.eval();
        _use = new(this, Free);
        _network = new(NetworkThatComputes);
    }

    /// <summary>D, width of an embedding.</summary>
    public int EmbeddingDimension => _backbone.EmbeddingDimension;

    /// <summary>Name of the method that trained it, as the literature has it; null if unknown.</summary>
    public string? Method { get; init; }

    /// <summary>Options of that method as they were used, by name; empty if unknown. A nested
    /// option has a dot in its name.</summary>
    public IReadOnlyDictionary<string, string> TrainingOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Processor threads that one call computes on. On a server that answers many requests at once, fewer let requests
    /// share the processors (docs/serving.md). Another number may change the last bits of an embedding.
    /// </summary>
    /// <value>Default: every processor, or as many as <c>OMP_NUM_THREADS</c> allows. Range 1 to 1 024. Set it before
    /// the encoder is shared; it is not saved.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int Threads
    {
        get => _threads;
        set
        {
            Check.InRange(value, 1, 1024, nameof(Threads));
            _threads = value;
        }
    }

    /// <summary>What embeddings are computed in; the weights stay in single precision, also in files.</summary>
    /// <value>Default null: <see cref="Precision.BFloat16"/> on a GPU that has it, for backbones of this library; else
    /// single precision. Embeddings in bfloat16 differ by about a hundredth of their norm (docs/results.md).</value>
    public Precision? Precision { get; init; }

    /// <summary>The network, in single precision.</summary>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    internal Backbone Backbone
    {
        get
        {
            using var use = _use.Begin();
            return _backbone;
        }
    }

    /// <summary>Where it computes.</summary>
    internal Device Device { get; }

    /// <summary>
    /// Writes the backbone's weights as a safetensors file under their official names, which PyTorch, timm and
    /// <see cref="PretrainedEncoder.Load"/> read; the preprocessing goes with them as metadata.
    /// </summary>
    /// <param name="path">The file. An existing one is replaced when the new one is complete.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public void SaveSafeTensors(string path)
    {
        using var use = _use.Begin();
        SafeTensors.Write(path, _backbone.state_dict(), EncoderMetadata.Of(this));
    }

    /// <summary>Writes the backbone's weights as a safetensors file into a stream.</summary>
    /// <param name="stream">The stream, written to from where it stands; it stays open.</param>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public void SaveSafeTensors(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var use = _use.Begin();
        SafeTensors.Write(stream, _backbone.state_dict(), EncoderMetadata.Of(this));
    }

    /// <summary>Writes the encoder as an ONNX model (opset 17, single precision), for ONNX Runtime or ML.NET's
    /// ApplyOnnxModel: docs/onnx.md.</summary>
    /// <remarks>
    /// Of images, the input "image" is (N,3,S,S): RGB values from 0 to 255 in planes, of images of the size S that
    /// <see cref="ImageEncoder.Preprocessing"/> resizes to (<see cref="ImagePreprocessing.Resize"/>; without it
    /// <see cref="ImagePreprocessing.CropSize"/>). The central crop and the standardisation are part of the model, the
    /// resize is not. Of tables, the input "row" is (N,columns). The output "embedding" is (N,D). N is free. Metadata
    /// name the library, the backbone and the preprocessing.
    /// </remarks>
    /// <param name="path">The file, replaced if it exists: wholly or, on failure, not at all.</param>
    /// <exception cref="InvalidOperationException">The preprocessing has no
    /// <see cref="ImagePreprocessing.CropSize"/>.</exception>
    /// <exception cref="NotSupportedException">The backbone is of a type that cannot be exported, or has
    /// more than 2 GB of weights.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written, or the
    /// path is that of a folder.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public void ExportOnnx(string path)
    {
        using var use = _use.Begin();
        AtomicFile.Write(path, ExportOnnx);
    }

    /// <summary>Writes the encoder as an ONNX model into a stream.</summary>
    /// <inheritdoc cref="ExportOnnx(string)" path="/remarks"/>
    /// <param name="stream">The stream, written to from where it stands; it stays open.</param>
    /// <exception cref="InvalidOperationException">The preprocessing has no
    /// <see cref="ImagePreprocessing.CropSize"/>.</exception>
    /// <exception cref="NotSupportedException">The backbone is of a type that cannot be exported, or has
    /// more than 2 GB of weights.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public void ExportOnnx(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var use = _use.Begin();
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        ToOnnx().WriteTo(stream);
    }

    /// <summary>Releases the backbone, behind the last call that is under way on another thread.</summary>
    public void Dispose()
    {
        _use.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Takes other weights of the same network. Nothing may embed meanwhile.</summary>
    internal void Load(Dictionary<string, Tensor> weights)
    {
        _backbone.load_state_dict(weights);
        if (!_network.IsValueCreated) return;
        if (_network.Value != _backbone) _network.Value.Dispose();
        _network = new(NetworkThatComputes);
    }

    private protected virtual void Free()
    {
        if (_network.IsValueCreated && _network.Value != _backbone) _network.Value.Dispose();
        _backbone.Dispose();
    }

    private protected abstract ModelProto ToOnnx();

    /// <summary>Whether it computes as on an accelerator: what is made ready sets out at once, and nobody waits but for
    /// results. Tests have a processor do so.</summary>
    internal bool Accelerated { get; init; }

    /// <summary>Embeds rows that were made ready.</summary>
    /// <param name="rows">What this encoder's Load gave.</param>
    /// <param name="destination">Receives <c>rows.Count × D</c> values, a row after the other.</param>
    internal void Embed(LoadedRows rows, Span<float> destination) => Embed(rows.Count, rows.Inputs, destination);

    /// <summary>The same as (rows, D) on the encoder's device, in the current dispose scope. Nobody waits for an
    /// accelerator.</summary>
    internal Tensor Embed(LoadedRows rows)
    {
        using var use = _use.Begin();
        if (!Accelerated)
        {
            var result = empty(rows.Count, EmbeddingDimension);
            Embed(rows, MemoryMarshal.Cast<byte, float>(result.bytes));
            return result;
        }
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        return cat(OnAccelerator(rows.Inputs, 0, rows.Count)).MoveToOuterDisposeScope();
    }

    /// <summary>Fills <paramref name="destination"/> with the embeddings of <paramref name="count"/> rows, whose inputs
    /// (rows, …) come from <paramref name="input"/>.</summary>
    private protected void Embed(int count, Func<int, int, Tensor> input, Span<float> destination)
    {
        using var use = _use.Begin();
        int length = checked(count * EmbeddingDimension);
        if (destination.Length < length)
            throw new ArgumentException($"destination holds {destination.Length} values; expected {length} for {count} "
                + $"rows of {EmbeddingDimension}.", nameof(destination));
        var result = ArrayPool<float>.Shared.Rent(length);
        int parts = Accelerated ? 1
            : Math.Min(Math.Min(Environment.ProcessorCount, Threads), count / _leastPart);
        if (parts <= 1)
        {
            using var threads = IntraOpThreads.Use(Threads);
            EmbedRange(input, 0, count, result);
        }
        else
        {
            int Start(int part) => (int)((long)count * Math.Min(part, parts) / parts);
            lock (Pool) Pool.Value.Run(part => EmbedRange(input, Start(part), Start(part + 1), result));
        }
        result.AsSpan(0, length).CopyTo(destination);
        ArrayPool<float>.Shared.Return(result);
    }

    private void EmbedRange(Func<int, int, Tensor> input, int first, int end, float[] result)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        if (!Accelerated)
        {
            while (first < end)
            {
                using var part = NewDisposeScope();
                Fetch(Forward(input(first, Math.Min(_mostPart, end - first))));
            }
            return;
        }
        foreach (var embeddings in OnAccelerator(input, first, end)) Fetch(embeddings.cpu());

        void Fetch(Tensor embeddings)
        {
            var values = MemoryMarshal.Cast<byte, float>(embeddings.contiguous().bytes);
            values.CopyTo(result.AsSpan(first * EmbeddingDimension));
            first += (int)embeddings.size(0);
        }
    }

    /// <summary>Embeddings a part after the other: the next one is made ready while one is computed.</summary>
    private List<Tensor> OnAccelerator(Func<int, int, Tensor> input, int first, int end)
    {
        var parts = new List<Tensor>();
        for (; first < end; first += _mostPart)
        {
            using var part = NewDisposeScope();
            var inputs = input(first, Math.Min(_mostPart, end - first)).to(Device, non_blocking: true);
            parts.Add(TensorFloat32.During(AllowsTensorFloat32, () => Forward(inputs)).MoveToOuterDisposeScope());
        }
        return parts;
    }

    private bool AllowsTensorFloat32 =>
        _network.Value != _backbone || Precision is Ssl.Precision.TensorFloat32 or Ssl.Precision.BFloat16;

    private Tensor Forward(Tensor inputs)
    {
        var network = _network.Value;
        bool rounds = network != _backbone && !network.TakesSinglePrecision;
        return network.call(inputs.to(rounds ? ScalarType.BFloat16 : ScalarType.Float32)).to(ScalarType.Float32);
    }

    /// <summary>The backbone, or a copy of it in bfloat16.</summary>
    private Backbone NetworkThatComputes()
    {
        bool copies = Precision is { } precision ? precision == Ssl.Precision.BFloat16 : CudaDriver.HasBFloat16(Device);
        if (!copies) return _backbone;
        using var mode = inference_mode(false);
        using var scope = NewDisposeScope();
        using var generator = new Generator(0, CPU);
        if (Initialization.WithoutValues(() => Blank(_backbone, generator)) is not { } blank) return _backbone;
        var copy = blank.to(Device);
        copy.load_state_dict(_backbone.state_dict());
        MixedPrecision.ToBFloat16(copy);
        copy.eval();
        return copy;
    }

    /// <summary>A network of the same architecture; null for one of an unknown kind.</summary>
    private static Backbone? Blank(Backbone network, Generator generator) => network switch
    {
        ClassifierNetwork classifier => Blank(classifier.Features, generator) is { } features
            ? classifier.With(features, generator) : null,
        { Options: { } options } when Backbones.Knows(options) => options.Create(generator),
        _ => null,
    };
}
