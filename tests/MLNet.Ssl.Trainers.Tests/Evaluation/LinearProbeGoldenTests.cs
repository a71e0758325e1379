using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public sealed class LinearProbeGoldenTests
{
    private static readonly GoldenFile File = Golden.Load("linear_eval");

    [Fact]
    public void AFixedOrderRunIsThatOfDino()
    {
        using var scope = NewDisposeScope();
        var sgd = File.Params.GetProperty("sgd");
        int batch = sgd.GetProperty("batch").GetInt32();
        var state = sgd.GetProperty("state_dict").EnumerateArray()
            .ToDictionary(e => e.GetProperty("name").GetString()!, Filled);
        var options = new LinearProbeOptions
        {
            LearningRates = [sgd.GetProperty("lr").GetDouble()],
            Epochs = sgd.GetProperty("epochs").GetInt32(),
            BatchSize = batch,
            Momentum = sgd.GetProperty("momentum").GetDouble(),
            WeightDecay = sgd.GetProperty("weight_decay").GetDouble(),
            Shuffles = sgd.GetProperty("shuffle").GetBoolean(),
        };
        options.Validate();
        double rate = options.LearningRates[0] * batch / 256;
        using var sweep = new LinearProbeSweep(state["linear.weight"], state["linear.bias"], options, [rate]);
        var (x, y, testX, testY) = (Tensor("train_x"), Tensor("train_y"), Tensor("test_x"), Tensor("test_y"));
        long steps = (x.shape[0] + batch - 1) / batch;
        var (rates, losses, accuracies) = (new List<double>(), new List<double>(), new List<double>());
        for (int epoch = 0; epoch < options.Epochs; epoch++)
        {
            rates.Add(rate * options.RateFactor(epoch * steps, steps));
            losses.AddRange(sweep.Epoch(x, y, batch, epoch));
            accuracies.Add(100 * sweep.Accuracy(testX, testY)[0].Top1);
            GoldenTensors.Close($"weight after {epoch + 1}", File.Expected($"sgd.weight_after_epoch{epoch + 1}"),
                sweep.Weight, 2e-5);
            GoldenTensors.Close($"bias after {epoch + 1}", File.Expected($"sgd.bias_after_epoch{epoch + 1}"),
                sweep.Bias, 2e-5);
        }
        File.Expected("sgd.lr_per_epoch").AssertValues(rates, 1e-6, "learning rate");
        File.Expected("sgd.train_loss_per_epoch").AssertValues(losses, 2e-5, "loss");
        File.Expected("sgd.test_acc1_percent_per_epoch").AssertValues(accuracies, 1e-6, "accuracy");
    }

    [Fact]
    public void TheOptimumOfTheRegularisedLossIsWhereItsGradientVanishes()
    {
        // The gradient, read off a step of plain descent from the solver's solution, cancels
        // the penalty's: C·Σ∇W + W = 0, Σ∇b = 0.
        using var scope = NewDisposeScope();
        double c = File.Params.GetProperty("C").GetDouble();
        var (weight, bias) = (File.Expected("lbfgs.coef").ToTensor(), File.Expected("lbfgs.intercept").ToTensor());
        var (x, y) = (Tensor("train_x"), Tensor("train_y"));
        int rows = (int)x.shape[0];
        var options = new LinearProbeOptions { LearningRates = [1], Momentum = 0, Epochs = 1 };
        using var sweep = new LinearProbeSweep(weight, bias, options, [1]);
        File.Expected("lbfgs.test_probability")
            .AssertClose(sweep.Logits(Tensor("test_x")).select(1, 0).softmax(-1), 1e-5, "probability");
        Assert.Equal(File.Expected("lbfgs.test_prediction").Longs,
            sweep.Logits(Tensor("test_x")).select(1, 0).argmax(-1).data<long>().ToArray());
        Assert.Equal(File.Expected("lbfgs.train_accuracy").Data[0], sweep.Accuracy(x, y)[0].Top1, 6);
        Assert.Equal(File.Expected("lbfgs.test_accuracy").Data[0],
            sweep.Accuracy(Tensor("test_x"), Tensor("test_y"))[0].Top1, 6);

        double loss = sweep.Epoch(x, y, rows, 0)[0];
        double objective = 0.5 * weight.square().sum().item<float>() + c * rows * loss;
        Assert.Equal(File.Expected("lbfgs.objective").Data[0], objective, 1e-3);
        var residual = weight.sub(sweep.Weight).mul(c * rows).add(weight);
        Assert.InRange(residual.abs().max().item<float>(), 0, 1e-3);
        Assert.InRange(bias.sub(sweep.Bias).abs().max().item<float>() * c * rows, 0, 1e-3);
    }

    private static Tensor Tensor(string name) => File.Input(name).ToTensor();

    private static Tensor Filled(JsonElement entry)
    {
        long[] shape = [.. entry.GetProperty("shape").EnumerateArray().Select(v => v.GetInt64())];
        return tensor(GoldenRules.Sine(entry.GetProperty("name").GetString()!, entry.GetProperty("kind").GetString()!,
            shape.Aggregate(1L, (a, b) => a * b)), shape);
    }
}
