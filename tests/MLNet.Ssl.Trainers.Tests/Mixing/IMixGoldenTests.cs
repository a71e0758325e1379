using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class IMixGoldenTests
{
    [Theory]
    [InlineData("imix_npair")]
    [InlineData("imix_moco")]
    [InlineData("imix_mocon")]
    [InlineData("imix_byol")]
    public void LossesMatchTheOfficialCode(string file)
    {
        var golden = Golden.Load(file);
        foreach (var c in golden.Params.GetProperty("cases").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            using var run = new Case(golden, c.GetProperty("name").GetString()!, c.GetProperty("imix").GetString()!);
            if (c.GetProperty("symmetric").GetBoolean()) run.Check(run.Direction("_1"), run.Direction("_2"));
            else run.Check(run.Direction(""));
        }
    }

    private sealed class Case : IDisposable
    {
        private readonly GoldenFile _golden;
        private readonly string _case, _mixing, _method;
        private readonly double _temperature;
        private readonly Generator _generator = new(1, CPU);
        private readonly NegativeQueue? _queue;

        public Case(GoldenFile golden, string name, string mixing)
        {
            (_golden, _case, _mixing) = (golden, name, mixing);
            var p = golden.Params;
            _method = p.GetProperty("method").GetString()!;
            _temperature = p.GetProperty("temperature").GetDouble();
            if (!p.TryGetProperty("queue_ptr_initial", out var pointer)) return;
            _queue = new(p.GetProperty("dim").GetInt64(), p.GetProperty("qlen").GetInt64(), _generator,
                CPU)
            { Pointer = pointer.GetInt64() };
            _queue.Columns.copy_(golden.Input($"{name}.queue_initial").ToTensor());
        }

        /// <summary>One direction: its loss and logits, after a check of its gradient.</summary>
        public (Tensor Loss, Tensor Logits) Direction(string suffix)
        {
            var output = _golden.Input($"{_case}.q_out{suffix}").ToTensor().requires_grad_();
            long rows = _golden.Params.GetProperty("batch").GetInt64();
            var targets = Targets(suffix, rows);
            // The queue moves on after the step in training; here the second direction follows at once,
            // so the loss keeps the columns it saw.
            using var columns = _queue?.Columns.clone();
            var keys = _method == "npair" ? null : _golden.Input($"{_case}.k_out{suffix}").ToTensor();
            var (logits, loss) = _method switch
            {
                "npair" => Cross(Contrast.Logits(output.narrow(0, 0, rows), output.narrow(0, rows, rows), _temperature),
                    targets),
                "moco" =>
                    Cross(Contrast.QueueLogits(output, keys!, columns!, _temperature), SoftTargets.First(rows, CPU)),
                "mocon" => Cross(Contrast.BatchAndQueueLogits(output, keys!, columns!, _temperature), targets),
                _ => Squared(Contrast.Logits(output, keys!), targets),
            };
            loss.backward();
            Close($"grad_q_out{suffix}", output.grad!);
            if (_method == "npair")
                Assert.Equal(loss.ToSingle(), SimClr.NPair(output.narrow(0, 0, rows), output.narrow(0, rows, rows),
                    _temperature, targets).ToSingle(), 1e-5f);
            if (_queue is not null)
            {
                var next = _queue.With(NtXent.Normalize(keys!));
                _queue.Enqueue(NtXent.Normalize(keys!));
                Assert.True(next.allclose(_queue.Columns));
            }
            return (loss.detach(), logits.detach());
        }

        public void Check(params (Tensor Loss, Tensor Logits)[] directions)
        {
            Close("loss", directions.Select(d => d.Loss).Aggregate((a, b) => a + b));
            Close("logits", cat([.. directions.Select(d => d.Logits)], 0));
            if (_queue is null) return;
            Close("queue_after", _queue.Columns);
            Assert.Equal(_golden.Expected($"{_case}.queue_ptr_after").Longs[0], _queue.Pointer);
        }

        public void Dispose()
        {
            _queue?.Dispose();
            _generator.Dispose();
        }

        private SoftTargets Targets(string suffix, long rows)
        {
            if (_mixing == "none") return SoftTargets.Diagonal(rows, CPU);
            var partners = _golden.Input($"{_case}.perm{suffix}").Longs;
            if (_mixing == "imixup")
            {
                var shares = _golden.Input($"{_case}.lam{suffix}").Floats;
                CheckImages(suffix, partners, (x, partner) => Mixers.Mixup(x, partner, shares));
                return SoftTargets.Mixed(partners, shares, CPU);
            }
            var size = _golden.Params.GetProperty("image_shape").EnumerateArray().Select(v => v.GetInt32()).ToArray();
            var box = MixersGoldenTests.XBox(_golden.Input($"{_case}.box_x1y1x2y2{suffix}").Longs);
            float share = box.Share(size[1], size[2]);
            _golden.Expected($"{_case}.lam{suffix}").AssertValues([share], 1e-6, "λ");
            CheckImages(suffix, partners, (x, partner) => Mixers.CutMix(x, partner, [box]));
            return SoftTargets.Mixed(partners, [share], CPU);
        }

        private void CheckImages(string suffix, long[] partners, Func<Tensor, Tensor, Tensor> mix)
        {
            string key = $"{_case}.im1{suffix}";
            if (!_golden.Root.GetProperty("inputs").TryGetProperty(key, out JsonElement _)) return;
            var x = _golden.Input(key).ToTensor();
            _golden.Expected($"{_case}.im1_mixed{suffix}")
                .AssertClose(mix(x, x.index_select(0, tensor(partners))), 1e-6, "mixed images");
        }

        private void Close(string key, Tensor actual) =>
            _golden.Expected($"{_case}.{key}").AssertClose(actual, 1e-5, $"{_case}.{key}");

        private static (Tensor Logits, Tensor Loss) Cross(Tensor logits, SoftTargets targets) =>
            (logits, Contrast.CrossEntropy(logits, targets));

        private static (Tensor Logits, Tensor Loss) Squared(Tensor logits, SoftTargets targets) =>
            (logits, Contrast.SquaredDistance(logits, targets));
    }
}
