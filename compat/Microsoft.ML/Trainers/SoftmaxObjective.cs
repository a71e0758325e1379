using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Trainers;

/// <summary>Labelled rows held in memory: dense features in blocks of rows, each row padded with zeros to whole SIMD vectors.</summary>
internal sealed class LabeledRows(int dimension)
{
    public const int BlockRows = 256;

    private readonly List<float[]> _blocks = [];
    private readonly List<int> _labels = [];
    private readonly List<float> _weights = [];

    public int Dimension => dimension;

    public int Stride { get; } = (dimension + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;

    public int Count => _labels.Count;

    public int BlockCount => _blocks.Count;

    public ReadOnlySpan<int> Labels => CollectionsMarshal.AsSpan(_labels);

    public ReadOnlySpan<float> Weights => CollectionsMarshal.AsSpan(_weights);

    public float[] Block(int index) => _blocks[index];

    /// <summary>Adds a row; the caller fills the returned features.</summary>
    public Span<float> Add(int label, float weight)
    {
        int row = _labels.Count % BlockRows;
        if (row == 0) _blocks.Add(new float[BlockRows * Stride]);
        _labels.Add(label);
        _weights.Add(weight);
        return _blocks[^1].AsSpan(row * Stride, dimension);
    }
}

/// <summary>
/// Σ over rows of weight · −ln softmax(W x + b)[label], plus l2/2 · ‖W‖². A point holds the rows of W one after the other, each <c>Stride</c> long,
/// and then b. The rows are split into a fixed number of parts whose sums are added in order, so the result does not depend on the number of threads.
/// </summary>
internal sealed class SoftmaxObjective
{
    private const int MaximumParts = 8;

    // Four rows share each load of a weight.
    private const int Lanes = 4;
    private const int TileRows = 16;

    private readonly LabeledRows _rows;
    private readonly int _classes;
    private readonly double _l2;
    private readonly ParallelOptions _threads;
    private readonly double[][] _partGradients;
    private readonly double[] _partLosses;

    public SoftmaxObjective(LabeledRows rows, int classes, double l2, int? threads)
    {
        (_rows, _classes, _l2) = (rows, classes, l2);
        _threads = new() { MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount };
        _partLosses = new double[Math.Min(MaximumParts, rows.BlockCount)];
        _partGradients = [.. _partLosses.Select(_ => new double[Length])];
    }

    /// <summary>Number of weights, paddings included; the biases follow them.</summary>
    public int WeightCount => _classes * _rows.Stride;

    public int Length => WeightCount + _classes;

    public double Evaluate(double[] point, double[] gradient)
    {
        int parts = _partLosses.Length;
        Parallel.For(0, parts, _threads, part => _partLosses[part] =
            EvaluateBlocks(_rows.BlockCount * part / parts, _rows.BlockCount * (part + 1) / parts, point, _partGradients[part]));

        double squares = 0;
        for (int i = 0; i < WeightCount; i++)
        {
            squares += point[i] * point[i];
            gradient[i] = _l2 * point[i];
        }
        Array.Clear(gradient, WeightCount, _classes);
        foreach (var part in _partGradients)
            for (int i = 0; i < gradient.Length; i++) gradient[i] += part[i];
        return _l2 / 2 * squares + _partLosses.Sum();
    }

    private double EvaluateBlocks(int first, int end, double[] point, double[] gradient)
    {
        Array.Clear(gradient);
        var features = new double[TileRows * _rows.Stride];
        var outputs = new double[_classes * TileRows];
        double loss = 0;
        for (int block = first; block < end; block++)
        {
            int rows = Math.Min(LabeledRows.BlockRows, _rows.Count - block * LabeledRows.BlockRows);
            for (int row = 0; row < rows; row += TileRows)
            {
                int start = block * LabeledRows.BlockRows + row, count = Math.Min(TileRows, rows - row);
                Widen(_rows.Block(block).AsSpan(row * _rows.Stride, count * _rows.Stride), features);
                loss += EvaluateTile(features, _rows.Labels.Slice(start, count), _rows.Weights.Slice(start, count), point, gradient, outputs);
            }
        }
        return loss;
    }

    /// <summary>At most <see cref="TileRows"/> rows; outputs[c, r] are first the logits, then the derivatives of the loss by them.</summary>
    private double EvaluateTile(double[] features, ReadOnlySpan<int> labels, ReadOnlySpan<float> weights, double[] point, double[] gradient, double[] outputs)
    {
        int stride = _rows.Stride;
        for (int c = 0; c < _classes; c++)
            for (int r = 0; r < labels.Length; r += Lanes)
            {
                Dot4(point.AsSpan(c * stride, stride), features.AsSpan(r * stride, Lanes * stride), outputs.AsSpan(c * TileRows + r, Lanes));
                for (int lane = 0; lane < Lanes; lane++) outputs[c * TileRows + r + lane] += point[WeightCount + c];
            }

        double loss = 0;
        for (int r = 0; r < labels.Length; r++)
        {
            double largest = double.NegativeInfinity, sum = 0;
            for (int c = 0; c < _classes; c++) largest = Math.Max(largest, outputs[c * TileRows + r]);
            double labelLogit = outputs[labels[r] * TileRows + r];
            for (int c = 0; c < _classes; c++) sum += outputs[c * TileRows + r] = Math.Exp(outputs[c * TileRows + r] - largest);
            loss += weights[r] * (Math.Log(sum) + largest - labelLogit);
            for (int c = 0; c < _classes; c++)
                gradient[WeightCount + c] += outputs[c * TileRows + r] = weights[r] * (outputs[c * TileRows + r] / sum - (c == labels[r] ? 1 : 0));
        }

        // A tile that is not full holds old rows after its end: they must not count.
        for (int r = labels.Length; r % Lanes != 0; r++)
            for (int c = 0; c < _classes; c++) outputs[c * TileRows + r] = 0;
        for (int c = 0; c < _classes; c++)
            for (int r = 0; r < labels.Length; r += Lanes)
                AddScaled4(gradient.AsSpan(c * stride, stride), outputs.AsSpan(c * TileRows + r, Lanes), features.AsSpan(r * stride, Lanes * stride));
        return loss;
    }

    private static void Widen(ReadOnlySpan<float> source, Span<double> target)
    {
        var from = MemoryMarshal.Cast<float, Vector<float>>(source);
        var to = MemoryMarshal.Cast<double, Vector<double>>(target);
        for (int i = 0; i < from.Length; i++) Vector.Widen(from[i], out to[2 * i], out to[2 * i + 1]);
    }

    /// <summary>dots[r] = weights · rows[r].</summary>
    private static void Dot4(ReadOnlySpan<double> weights, ReadOnlySpan<double> rows, Span<double> dots)
    {
        int n = weights.Length / Vector<double>.Count;
        var w = MemoryMarshal.Cast<double, Vector<double>>(weights);
        var x = MemoryMarshal.Cast<double, Vector<double>>(rows);
        ReadOnlySpan<Vector<double>> x0 = x[..n], x1 = x.Slice(n, n), x2 = x.Slice(2 * n, n), x3 = x.Slice(3 * n, n);
        Vector<double> s0 = default, s1 = default, s2 = default, s3 = default;
        for (int i = 0; i < w.Length && i < x0.Length && i < x1.Length && i < x2.Length && i < x3.Length; i++)
        {
            var v = w[i];
            s0 = Vector.FusedMultiplyAdd(v, x0[i], s0);
            s1 = Vector.FusedMultiplyAdd(v, x1[i], s1);
            s2 = Vector.FusedMultiplyAdd(v, x2[i], s2);
            s3 = Vector.FusedMultiplyAdd(v, x3[i], s3);
        }
        (dots[0], dots[1], dots[2], dots[3]) = (Vector.Sum(s0), Vector.Sum(s1), Vector.Sum(s2), Vector.Sum(s3));
    }

    /// <summary>target += Σ_r factors[r] · rows[r].</summary>
    private static void AddScaled4(Span<double> target, ReadOnlySpan<double> factors, ReadOnlySpan<double> rows)
    {
        int n = target.Length / Vector<double>.Count;
        var t = MemoryMarshal.Cast<double, Vector<double>>(target);
        var x = MemoryMarshal.Cast<double, Vector<double>>(rows);
        ReadOnlySpan<Vector<double>> x0 = x[..n], x1 = x.Slice(n, n), x2 = x.Slice(2 * n, n), x3 = x.Slice(3 * n, n);
        Vector<double> f0 = new(factors[0]), f1 = new(factors[1]), f2 = new(factors[2]), f3 = new(factors[3]);
        for (int i = 0; i < t.Length && i < x0.Length && i < x1.Length && i < x2.Length && i < x3.Length; i++)
            t[i] = Vector.FusedMultiplyAdd(f0, x0[i], Vector.FusedMultiplyAdd(f1, x1[i],
                Vector.FusedMultiplyAdd(f2, x2[i], Vector.FusedMultiplyAdd(f3, x3[i], t[i]))));
    }
}
