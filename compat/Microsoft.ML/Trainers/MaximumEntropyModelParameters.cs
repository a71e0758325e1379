using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trainers;

public abstract class ModelParametersBase<TOutput> : ICanSaveModel
{
    private protected ModelParametersBase()
    {
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

    private protected abstract void SaveModel(ModelSaveContext ctx);
}

/// <summary>One row of weights and one bias a class.</summary>
public abstract class LinearMulticlassModelParametersBase : ModelParametersBase<VBuffer<float>>, IMulticlassScorer
{
    private protected LinearMulticlassModelParametersBase(float[][] weights, float[] biases) => (Weights, Biases) = (weights, biases);

    internal float[][] Weights { get; }

    internal float[] Biases { get; }

    internal int ClassCount => Biases.Length;

    internal int FeatureCount => Weights[0].Length;

    int IMulticlassScorer.ClassCount => ClassCount;

    public void GetWeights(ref VBuffer<float>[] weights, out int numClasses)
    {
        numClasses = ClassCount;
        weights = [.. Weights.Select(w => new VBuffer<float>(w.Length, [.. w]))];
    }

    public IEnumerable<float> GetBiases() => Biases;

    void IMulticlassScorer.Score(ReadOnlySpan<float> features, Span<float> scores)
    {
        for (int c = 0; c < ClassCount; c++) scores[c] = Dot(Weights[c], features) + Biases[c];
        Finish(scores);
    }

    /// <summary>Turns the linear outputs into scores.</summary>
    private protected abstract void Finish(Span<float> scores);

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var va = MemoryMarshal.Cast<float, Vector<float>>(a);
        var vb = MemoryMarshal.Cast<float, Vector<float>>(b);
        Vector<float> sums = default;
        for (int i = 0; i < va.Length && i < vb.Length; i++) sums += va[i] * vb[i];
        float sum = Vector.Sum(sums);
        for (int i = va.Length * Vector<float>.Count; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}

/// <summary>Multinomial logistic regression: scores are softmax(W x + b).</summary>
public sealed class MaximumEntropyModelParameters : LinearMulticlassModelParametersBase, ILoadable
{
    internal MaximumEntropyModelParameters(float[][] weights, float[] biases)
        : base(weights, biases)
    {
    }

    static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
    {
        var reader = ctx.Reader;
        var weights = reader.ReadList(() => reader.ReadList(reader.ReadSingle));
        return new MaximumEntropyModelParameters(weights, reader.ReadList(reader.ReadSingle));
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ctx.Begin<MaximumEntropyModelParameters>();
        writer.WriteList(Weights, weights => writer.WriteList(weights, writer.Write));
        writer.WriteList(Biases, writer.Write);
    }

    private protected override void Finish(Span<float> scores)
    {
        float largest = float.NegativeInfinity, sum = 0;
        foreach (float score in scores) largest = Math.Max(largest, score);
        foreach (ref float score in scores) sum += score = MathF.Exp(score - largest);
        foreach (ref float score in scores) score /= sum;
    }
}
