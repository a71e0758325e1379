using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Benchmarks;

/// <summary>The same network trained with labels, for comparison: a linear classifier on it, cross entropy, the
/// settings of the pretraining otherwise.</summary>
internal sealed class SupervisedMlp(TabularMlpOptions backbone, int epochs, int seed)
{
    private const int Batch = 512;
    private const double Rate = 0.125 * Batch / 256;

    public double Accuracy(CovTypeRow[] train, CovTypeRow[] test)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed, CPU);
        using var network = new EncoderWithHead(backbone.Create(generator), new MlpHead(
            new(backbone.EmbeddingDimension) { OutputDimension = CovTypeRow.Classes, Layers = 1 }, generator));
        using var parameters = new FlatParameters(network, (_, _) => FlatParameters.Decayed);
        using var gradients = new GradientBuffer(parameters);
        using var optimizer = new Sgd();
        var (rows, labels) = Tensors(train);
        int stepsPerEpoch = train.Length / Batch;
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            var order = tensor(ViewLoader.Order(train.Length, epoch, (ulong)seed).Select(i => (long)i).ToArray());
            for (int step = 0; step < stepsPerEpoch; step++)
            {
                using var inner = NewDisposeScope();
                var picked = order.narrow(0, step * Batch, Batch);
                gradients.Backward(nn.functional.cross_entropy(network.call(rows.index_select(0, picked)),
                    labels.index_select(0, picked)));
                double rate =
                    Schedules.IMix(epoch * stepsPerEpoch + step, stepsPerEpoch, epochs, Math.Min(5, epochs / 10), Rate);
                optimizer.Step(gradients.Groups[0], gradients.Flat[0], rate, 1e-4);
            }
        }
        network.eval();
        using var mode = inference_mode();
        var (testRows, testLabels) = Tensors(test);
        return network.call(testRows).argmax(1).eq(testLabels).to(float32).mean().ToSingle();
    }

    private static (Tensor Rows, Tensor Labels) Tensors(CovTypeRow[] rows) =>
        (tensor(rows.SelectMany(r => r.Features).ToArray(), [rows.Length, CovTypeRow.Columns]),
            tensor(rows.Select(r => r.Label - 1L).ToArray()));
}
