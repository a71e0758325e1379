using MLNet.Ssl.Inference;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Onnx;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl;

/// <summary>An encoder of rows of a table.</summary>
public sealed class TableEncoder : Encoder
{
    /// <summary>Takes over <paramref name="backbone"/>, which must be on <paramref name="device"/>, and puts
    /// it into evaluation mode.</summary>
    /// <param name="backbone">A network of rows (B, columns).</param>
    /// <param name="preprocessing">What is done to a row first.</param>
    /// <param name="device">Where to compute; the processor by default.</param>
    public TableEncoder(Backbone backbone, TablePreprocessing preprocessing, Device? device = null)
        : base(backbone, device, leastPart: 64, mostPart: 1024)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        Preprocessing = preprocessing;
    }

    /// <summary>What is done to a row before the backbone sees it.</summary>
    public TablePreprocessing Preprocessing { get; }

    /// <summary>Width of a row.</summary>
    public int Columns => Preprocessing.Columns;

    private protected override ModelProto ToOnnx() => OnnxModel.OfRows(Backbone, Preprocessing);

    /// <summary>Embeds rows.</summary>
    /// <param name="rows">Rows of <see cref="Columns"/> finite values.</param>
    /// <param name="destination">Receives <c>rows.Count × D</c> values, a row after the other.</param>
    /// <exception cref="ArgumentException">A row has another width, or
    /// <paramref name="destination"/> is too short.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public void Embed(IReadOnlyList<float[]> rows, Span<float> destination)
    {
        CheckWidths(rows);
        Embed(rows.Count, (first, count) => Inputs(rows, first, count), destination);
    }

    /// <summary>Makes rows ready.</summary>
    internal LoadedRows Load(IReadOnlyList<float[]> rows)
    {
        CheckWidths(rows);
        return Accelerated
            ? LoadedRows.On(Device, Batch(rows, 0, rows.Count), Preprocessing.Apply)
            : LoadedRows.Here(rows.Count, (first, count) => Inputs(rows, first, count));
    }

    private void CheckWidths(IReadOnlyList<float[]> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        for (int i = 0; i < rows.Count; i++)
            if (rows[i].Length != Columns)
                throw new ArgumentException($"Row {i} has {rows[i].Length} values; expected {Columns}.", nameof(rows));
    }

    private Tensor Inputs(IReadOnlyList<float[]> rows, int first, int count) =>
        Preprocessing.Apply(NativeTensor.Send(Batch(rows, first, count), Device));

    private Tensor Batch(IReadOnlyList<float[]> rows, int first, int count)
    {
        var values = new float[count * Columns];
        for (int i = 0; i < count; i++) rows[first + i].CopyTo(values, i * Columns);
        return NativeTensor.Of(values, count, Columns);
    }
}
