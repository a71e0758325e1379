using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class MoCoGoldenTests
{
    [Fact]
    public void MoCoV2MatchesTheOfficialCode()
    {
        var golden = Golden.Load("moco_v2");
        var p = golden.Params;
        double temperature = p.GetProperty("T").GetDouble();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        using var queue =
            new NegativeQueue(p.GetProperty("dim").GetInt64(), p.GetProperty("K").GetInt64(), generator, CPU);
        queue.Columns.copy_(golden.Input("queue_initial").ToTensor());
        var shape = golden.Input("param_q.fc.weight").Shape;
        EncoderWithHead Network() => new(new LinearEncoder((int)shape[1], (int)shape[0], generator), new NoHead());
        using var pair = new MomentumPair(Network(), Network());
        using (no_grad())
        {
            foreach (string part in new[] { "weight", "bias" })
            {
                pair.Online.state_dict()[$"backbone.lin.{part}"].copy_(golden.Input($"param_q.fc.{part}").ToTensor());
                pair.Target.state_dict()[$"backbone.lin.{part}"]
                    .copy_(golden.Input($"param_k_initial.fc.{part}").ToTensor());
            }
        }
        var pointers = golden.Expected("queue_ptr_after").Longs;
        for (int step = 1; step <= p.GetProperty("steps").GetInt32(); step++)
        {
            pair.Update(p.GetProperty("m").GetDouble());
            foreach (string part in new[] { "weight", "bias" })
                golden.Expected($"param_k_after_{step}.fc.{part}")
                    .AssertClose(pair.Target.state_dict()[$"backbone.lin.{part}"], 1e-5, $"{part} after {step}");
            var query = golden.Input($"q_raw_{step}").ToTensor().requires_grad_();
            var keys = golden.Input($"k_raw_{step}").ToTensor();
            var logits = Contrast.QueueLogits(query, keys, queue.Columns, temperature);
            var loss = Contrast.CrossEntropy(logits, SoftTargets.First(query.size(0), CPU));
            loss.backward();
            queue.Enqueue(NtXent.Normalize(keys));
            golden.Expected($"logits_{step}").AssertClose(logits, 1e-5, $"logits_{step}");
            golden.Expected($"loss_{step}").AssertClose(loss, 1e-5, $"loss_{step}");
            golden.Expected($"grad_q_raw_{step}").AssertClose(query.grad!, 1e-5, $"grad_q_raw_{step}");
            golden.Expected($"queue_after_{step}").AssertClose(queue.Columns, 1e-5, $"queue_after_{step}");
            Assert.Equal(pointers[step - 1], queue.Pointer);
        }
    }

    [Fact]
    public void MoCoV3sLossMatchesTheOfficialCode()
    {
        var golden = Golden.Load("moco_v3");
        double temperature = golden.Params.GetProperty("T").GetDouble();
        using var scope = NewDisposeScope();
        var (q1, q2) = (golden.Input("q1").ToTensor().requires_grad_(), golden.Input("q2").ToTensor().requires_grad_());
        var first = MoCoV3.Loss(q1, golden.Input("k2").ToTensor(), temperature);
        var second = MoCoV3.Loss(q2, golden.Input("k1").ToTensor(), temperature);
        (first + second).backward();
        golden.Expected("loss_q1k2").AssertClose(first, 1e-5, "loss_q1k2");
        golden.Expected("loss_q2k1").AssertClose(second, 1e-5, "loss_q2k1");
        golden.Expected("loss").AssertClose(first + second, 1e-5, "loss");
        golden.Expected("grad_q1").AssertClose(q1.grad!, 1e-5, "grad_q1");
        golden.Expected("grad_q2").AssertClose(q2.grad!, 1e-5, "grad_q2");
    }

    [Fact]
    public void MoCoV3sWholeStepMatchesTheOfficialCode()
    {
        var golden = Golden.Load("moco_v3");
        using var networks = new GoldenMoCoV3(golden);
        using var scope = NewDisposeScope();
        var views = new[] { golden.Input("x1").ToTensor(), golden.Input("x2").ToTensor() };
        var loss = networks.Method.Forward(views, new StepClock(0, 1, 1), 0).Loss;
        golden.Expected("forward.loss").AssertClose(loss, 1e-4, "forward.loss");
        var gradient = networks.Gradients(loss);
        foreach (string name in golden.ExpectedNames.Where(n =>
            n.StartsWith("forward.grad.", StringComparison.Ordinal)))
            golden.Expected(name).AssertClose(gradient(name["forward.grad.".Length..]), 1e-4, name);
        foreach (string part in new[] { "weight", "bias" })
        {
            var moved = networks.Method.Pair.Target.state_dict()[$"backbone.lin.{part}"];
            golden.Expected($"forward.momentum_encoder_after.lin.{part}").AssertClose(moved, 1e-4, part);
        }
        foreach (string name in golden.ExpectedNames.Where(n =>
            n.StartsWith("forward.after.", StringComparison.Ordinal)))
            golden.Expected(name)
                .AssertClose(networks.Method.Pair.Online.state_dict()[name["forward.after.".Length..]], 1e-4, name);
    }
}
