using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class DistillationGoldenTests
{
    [Fact]
    public void LossesAndGradientsMatchTheOfficialCodeAndThePaper()
    {
        var golden = Golden.Load("simclr_v2_distill");
        foreach (var test in golden.Params.GetProperty("cases").EnumerateArray())
        {
            string name = test.GetProperty("name").GetString()!;
            double temperature = test.GetProperty("temperature").GetDouble();
            foreach (bool squared in new[] { true, false })
            {
                using var scope = NewDisposeScope();
                string form = squared ? "" : "paper_";
                var student = golden.Input("student_logits").ToTensor().requires_grad_();
                var loss =
                    DistillationLoss.Soft(student, golden.Input("teacher_logits").ToTensor(), temperature, squared);
                loss.backward();
                golden.Expected($"{name}.{form}loss").AssertClose(loss, 1e-5, $"{name} {form}loss");
                golden.Expected($"{name}.{form}grad_student_logits")
                    .AssertClose(student.grad!, 1e-5, $"{name} {form}gradient");
            }
        }
    }
}
