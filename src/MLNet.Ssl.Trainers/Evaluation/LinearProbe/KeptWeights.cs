using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>
/// For each learning rate of a sweep, the weights of the epoch that was best on the validation rows; without them, of
/// the last that was measured.
/// </summary>
internal sealed class KeptWeights
{
    private readonly LinearProbeSweep _sweep;
    private readonly (Tensor Features, Tensor Labels)? _validation;
    private readonly Tensor _weight, _bias;

    public KeptWeights(LinearProbeSweep sweep, (Tensor Features, Tensor Labels)? validation)
    {
        (_sweep, _validation) = (sweep, validation);
        (_weight, _bias) = (zeros_like(sweep.Weight), zeros_like(sweep.Bias));
        Epochs = new int[sweep.Rates];
        Accuracies = new (double, double)[sweep.Rates];
        Array.Fill(Accuracies, (double.NaN, double.NaN));
    }

    /// <summary>Epochs that the kept weights were trained for.</summary>
    public int[] Epochs { get; }

    /// <summary>
    /// Shares of validation rows whose class was the best, and among the best few; NaN without validation rows.
    /// </summary>
    public (double Top1, double TopK)[] Accuracies { get; }

    /// <summary>Weights (C,D) and biases (C) of a rate.</summary>
    public (Tensor Weight, Tensor Bias) Of(int rate) => (Part(_weight, rate).clone(), Part(_bias, rate).clone());

    /// <summary>Measures the sweep as it is, and keeps the weights of the rates that have become better.</summary>
    public void Update(int epoch)
    {
        var measured = _validation is var (features, labels) ? _sweep.Accuracy(features, labels) : Accuracies;
        using var scope = NewDisposeScope();
        for (int rate = 0; rate < _sweep.Rates; rate++)
        {
            if (measured[rate].Top1 <= Accuracies[rate].Top1) continue;
            Part(_weight, rate).copy_(Part(_sweep.Weight, rate));
            Part(_bias, rate).copy_(Part(_sweep.Bias, rate));
            (Accuracies[rate], Epochs[rate]) = (measured[rate], epoch);
        }
    }

    private Tensor Part(Tensor tensor, int rate) => tensor.narrow(0, (long)rate * _sweep.Classes, _sweep.Classes);
}
