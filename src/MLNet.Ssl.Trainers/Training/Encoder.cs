using System.Buffers;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>A trained backbone with the preprocessing it expects: row → embedding. Safe to use from several threads at once.</summary>
public abstract class Encoder : IDisposable
{
    // A part of the batch to each thread is several times faster than all threads on every operator.
    private static readonly Lazy<ShardThreads> Threads = new(() => new(Environment.ProcessorCount, Environment.ProcessorCount));

    private readonly int _leastPart, _mostPart;

    /// <summary>Takes over <paramref name="backbone"/>, which must be on <paramref name="device"/>, and puts it into evaluation mode.</summary>
    /// <remarks>Fewer rows than leastPart are not worth a thread of their own, and more than mostPart at a time would only hold memory.</remarks>
    private protected Encoder(Backbone backbone, Device? device, int leastPart, int mostPart)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        (Backbone, Device, _leastPart, _mostPart) = (backbone, device ?? CPU, leastPart, mostPart);
        Backbone.eval();
    }

    /// <summary>D, width of an embedding.</summary>
    public int EmbeddingDimension => Backbone.EmbeddingDimension;

    /// <summary>The network.</summary>
    internal Backbone Backbone { get; }

    /// <summary>Where it computes.</summary>
    internal Device Device { get; }

    /// <summary>Releases the backbone.</summary>
    public void Dispose()
    {
        Backbone.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Fills <paramref name="destination"/> with the embeddings of <paramref name="count"/> rows, whose inputs (rows, …) come from <paramref name="input"/>.</summary>
    private protected void Embed(int count, Func<int, int, Tensor> input, Span<float> destination)
    {
        int length = checked(count * EmbeddingDimension);
        if (destination.Length < length)
            throw new ArgumentException($"destination holds {destination.Length} values; expected {length} for {count} rows of {EmbeddingDimension}.", nameof(destination));
        var result = ArrayPool<float>.Shared.Rent(length);
        int parts = Device.type == DeviceType.CPU ? Math.Min(Environment.ProcessorCount, count / _leastPart) : 1;
        if (parts <= 1)
        {
            EmbedRange(input, 0, count, result);
        }
        else
        {
            int Start(int part) => (int)((long)count * Math.Min(part, parts) / parts);
            lock (Threads) Threads.Value.Run(part => EmbedRange(input, Start(part), Start(part + 1), result));
        }
        result.AsSpan(0, length).CopyTo(destination);
        ArrayPool<float>.Shared.Return(result);
    }

    private void EmbedRange(Func<int, int, Tensor> input, int first, int end, float[] result)
    {
        using var mode = inference_mode();
        for (; first < end; first += _mostPart)
        {
            using var scope = NewDisposeScope();
            var embeddings = Backbone.call(input(first, Math.Min(_mostPart, end - first)).to(Device)).cpu().contiguous();
            MemoryMarshal.Cast<byte, float>(embeddings.bytes).CopyTo(result.AsSpan(first * EmbeddingDimension));
        }
    }
}
