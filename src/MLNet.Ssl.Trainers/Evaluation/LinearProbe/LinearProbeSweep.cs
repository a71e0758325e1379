using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Evaluation;

/// <summary>
/// Multinomial logistic regressions that differ in their learning rate alone, trained by SGD as one: the weights of all
/// rates are one matrix (R·C,D), so a step is one product forward and one backward, whatever the number of rates.
/// </summary>
internal sealed class LinearProbeSweep : IDisposable
{
    // Scores held at a time when rows are only classified, 64 MiB.
    private const long ScoresAtATime = 1 << 24;

    private readonly LinearProbeOptions _options;
    private readonly Tensor _rates, _weightVelocity, _biasVelocity;

    /// <param name="weight">Initial weights (C,D), the same for every rate.</param>
    /// <param name="bias">Initial biases (C).</param>
    /// <param name="options">Valid options.</param>
    /// <param name="rates">Learning rates before the schedule, already scaled.</param>
    public LinearProbeSweep(Tensor weight, Tensor bias, LinearProbeOptions options, IReadOnlyList<double> rates)
    {
        using var scope = NewDisposeScope();
        (_options, Rates, Classes) = (options, rates.Count, (int)bias.shape[0]);
        Weight = weight.repeat(Rates, 1).DetachFromDisposeScope();
        Bias = bias.repeat(Rates).DetachFromDisposeScope();
        _rates = tensor([.. rates.Select(r => (float)r)], [Rates, 1]).to(weight.device).expand(Rates, Classes).flatten()
            .DetachFromDisposeScope();
        _weightVelocity = zeros_like(Weight).DetachFromDisposeScope();
        _biasVelocity = zeros_like(Bias).DetachFromDisposeScope();
    }

    public int Rates { get; }

    public int Classes { get; }

    /// <summary>(R·C,D).</summary>
    public Tensor Weight { get; }

    /// <summary>(R·C).</summary>
    public Tensor Bias { get; }

    /// <summary>Scores before the softmax, (N,R,C).</summary>
    public Tensor Logits(Tensor features) =>
        addmm(Bias, features, Weight.transpose(0, 1), 1, 1).view(-1, Rates, Classes);

    /// <summary>One pass over the rows.</summary>
    /// <param name="features">(N,D).</param>
    /// <param name="labels">(N).</param>
    /// <param name="batch">Rows of a step.</param>
    /// <param name="epoch">Number of the pass, from 0.</param>
    /// <returns>Loss of each rate, averaged over the steps as the official code averages it.</returns>
    public double[] Epoch(Tensor features, Tensor labels, int batch, int epoch)
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        long rows = features.shape[0], steps = _options.DropsLastBatch ? rows / batch : (rows + batch - 1) / batch;
        // Each epoch's order depends on the seed and its number alone.
        var order = _options.Shuffles
            ? tensor(new HostRandom((int)SplitMix64.Hash((ulong)_options.Seed, (ulong)epoch)).Permutation(rows))
            .to(features.device)
            : null;
        var losses = zeros(Rates, device: features.device);
        for (long step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            long first = step * batch, size = Math.Min(batch, rows - first);
            Tensor Take(Tensor t) =>
                order is null ? t.narrow(0, first, size) : t.index_select(0, order.narrow(0, first, size));
            losses.Add_(Step(Take(features), Take(labels), _options.RateFactor(epoch * steps + step, steps)));
        }
        return [.. losses.cpu().data<float>().ToArray().Select(sum => (double)sum / steps)];
    }

    /// <summary>For each rate, the shares of rows whose class is the best and among the best few.</summary>
    public (double Top1, double TopK)[] Accuracy(Tensor features, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        long rows = features.shape[0], chunk = Math.Max(1, ScoresAtATime / Bias.shape[0]);
        var (top1, topK) = (zeros(Rates, device: features.device), zeros(Rates, device: features.device));
        for (long first = 0; first < rows; first += chunk)
        {
            using var inner = NewDisposeScope();
            long size = Math.Min(chunk, rows - first);
            var rank = LabelRank.Of(Logits(features.narrow(0, first, size)),
                labels.narrow(0, first, size).unsqueeze(1));
            top1.Add_(rank.LessThan(1).sum(dim: 0));
            topK.Add_(rank.LessThan(LabelRank.TopK(Classes)).sum(dim: 0));
        }
        var (ones, best) = (top1.cpu().data<float>().ToArray(), topK.cpu().data<float>().ToArray());
        return [.. ones.Zip(best, (a, b) => (a / (double)rows, b / (double)rows))];
    }

    public void Dispose()
    {
        foreach (var tensor in new[] { Weight, Bias, _rates, _weightVelocity, _biasVelocity }) tensor.Dispose();
    }

    /// <summary>
    /// Moves all rates by the gradient of their mean cross-entropy, (softmax − one-hot)ᵀ·x / B; returns the losses (R).
    /// </summary>
    private Tensor Step(Tensor x, Tensor y, double factor)
    {
        long size = x.shape[0];
        var logarithm = Logits(x).log_softmax(-1);
        var truth = y.view(size, 1, 1).expand(size, Rates, 1);
        var loss = logarithm.gather(-1, truth).mean([0, 2]).neg();
        var difference = logarithm.exp_().scatter_add_(-1, truth, TensorArithmetic.Full([size, Rates, 1], -1, x.device))
            .Div_(size).view(size, -1);
        Move(Weight, _weightVelocity, difference.transpose(0, 1).mm(x), _rates.unsqueeze(1), factor);
        Move(Bias, _biasVelocity, difference.sum(dim: 0), _rates, factor);
        return loss;
    }

    // PyTorch's SGD: v ← μv + (g + λw), w ← w − η·v, or with Nesterov's momentum w ← w − η·(g + λw + μv).
    private void Move(Tensor parameter, Tensor velocity, Tensor gradient, Tensor rates, double factor)
    {
        if (_options.WeightDecay != 0) gradient.Add_(parameter, _options.WeightDecay);
        velocity.Mul_(_options.Momentum).Add_(gradient);
        parameter.AddCMul_(_options.Nesterov ? gradient.Add_(velocity, _options.Momentum) : velocity, rates, -factor);
    }
}
