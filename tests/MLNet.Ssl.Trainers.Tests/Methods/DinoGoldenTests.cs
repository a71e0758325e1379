using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

[Trait("Category", "Golden")]
public class DinoGoldenTests
{
    [Fact]
    public void LossCentreAndGradientsMatchTheOfficialCode()
    {
        var golden = Golden.Load("dino_loss");
        var p = golden.Params;
        using var scope = NewDisposeScope();
        using var loss = new DinoLoss(p.GetProperty("out_dim").GetInt64(), p.GetProperty("student_temp").GetDouble(),
            p.GetProperty("center_momentum").GetDouble());
        var epochs = p.GetProperty("epoch_per_call").EnumerateArray().Select(e => e.GetInt32()).ToArray();
        for (int call = 1; call <= epochs.Length; call++)
        {
            double temperature =
                Schedules.TeacherTemperature(epochs[call - 1], p.GetProperty("warmup_teacher_temp_epochs").GetInt32(),
                p.GetProperty("warmup_teacher_temp").GetDouble(), p.GetProperty("teacher_temp").GetDouble());
            golden.Expected($"teacher_temp_{call}").AssertValues([temperature], 1e-9, $"teacher_temp_{call}");
            var student = golden.Input($"student_output_{call}").ToTensor().requires_grad_();
            var teacher = golden.Input($"teacher_output_{call}").ToTensor();
            var (value, _) = loss.Forward(student, teacher, temperature);
            value.backward();
            loss.UpdateCenter(teacher.mean([0], keepdim: true));
            golden.Expected($"loss_{call}").AssertClose(value, 1e-5, $"loss_{call}");
            golden.Expected($"grad_student_{call}").AssertClose(student.grad!, 1e-5, $"grad_student_{call}");
            golden.Expected($"center_after_{call}").AssertClose(loss.Center, 1e-5, $"center_after_{call}");
        }
    }

    [Fact]
    public void SchedulesMatchTheOfficialCode()
    {
        var golden = Golden.Load("dino_schedules");
        var p = golden.Params;
        double D(string key) => p.GetProperty(key).GetDouble();
        int perEpoch = p.GetProperty("niter_per_epoch").GetInt32(), epochs = p.GetProperty("epochs").GetInt32(),
            total = perEpoch * epochs;
        double peak = D("lr") * D("batch_size_per_gpu") * D("world_size") / 256;
        double[] Steps(int count, Func<int, double> value) => [.. Enumerable.Range(0, count).Select(value)];

        golden.Expected("lr").AssertValues(Steps(total, s => Schedules.WarmupCosine(s, total,
            perEpoch * p.GetProperty("warmup_epochs").GetInt32(), peak, D("min_lr"))), 1e-9, "lr");
        golden.Expected("weight_decay").AssertValues(Steps(total, s =>
            Schedules.WarmupCosine(s, total, 0, D("weight_decay"), D("weight_decay_end"))), 1e-9, "weight_decay");
        golden.Expected("momentum").AssertValues(Steps(total, s =>
            Schedules.WarmupCosine(s, total, 0, D("momentum_teacher"), D("momentum_end"))), 1e-9, "momentum");
        golden.Expected("teacher_temp_per_epoch")
            .AssertValues(Steps(epochs, e => Schedules.TeacherTemperature(e, p.GetProperty("warmup_teacher_temp_epochs")
                .GetInt32(), D("warmup_teacher_temp"), D("teacher_temp"))), 1e-9, "teacher_temp");
        var c = p.GetProperty("custom");
        int customEpoch = c.GetProperty("niter_per_epoch").GetInt32(),
            customTotal = customEpoch * c.GetProperty("epochs").GetInt32();
        golden.Expected("custom").AssertValues(Steps(customTotal, s => Schedules.WarmupCosine(s, customTotal,
            customEpoch * c.GetProperty("warmup_epochs").GetInt32(), c.GetProperty("base_value").GetDouble(),
                c.GetProperty("final_value").GetDouble(), c.GetProperty("start_warmup_value").GetDouble())), 1e-9,
                    "custom");
    }

    [Fact]
    public void GradientsAreClippedParameterByParameter()
    {
        var golden = Golden.Load("dino_clip_gradients");
        using var scope = NewDisposeScope();
        var names = golden.Root.GetProperty("inputs").EnumerateObject().Select(i => i.Name["grad.".Length..]).ToArray();
        using var network = new Bag(names.Select(n => golden.Input("grad." + n).Shape));
        using var flat = new FlatParameters(network, (_, _) => FlatParameters.Decayed);
        using var gradients = new GradientBuffer(flat);
        for (int i = 0; i < names.Length; i++) gradients.Views[i].copy_(golden.Input("grad." + names[i]).ToTensor());
        var norms = gradients.ClipEach(golden.Params.GetProperty("clip").GetDouble());
        golden.Expected("norms").AssertClose(norms, 1e-6, "norms");
        for (int i = 0; i < names.Length; i++)
            golden.Expected("clipped." + names[i]).AssertClose(gradients.Views[i], 1e-6, names[i]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void TrainingStepsMatchTheOfficialLoop(int shards)
    {
        var golden = Golden.Load("dino_train_steps");
        var p = golden.Params;
        int I(string key) => p.GetProperty(key).GetInt32();
        double D(string key) => p.GetProperty(key).GetDouble();
        int batch = I("batch"), perEpoch = I("niter_per_epoch");
        Assert.SkipUnless(batch % shards == 0, $"Batches of {batch} make no {shards} shards.");
        var options = new DinoOptions
        {
            Backbone = new VisionTransformerOptions
            {
                ImageSize = I("img_size"),
                PatchSize = I("patch_size"),
                EmbeddingDimension = I("embed_dim"),
                Depth = I("depth"),
                Heads = I("num_heads"),
            },
            DropPathRate = 0,
            OutputDimension = I("head_out_dim"),
            HeadHiddenDimension = I("head_hidden_dim"),
            HeadBottleneckDimension = I("head_bottleneck_dim"),
            NormLastLayer = p.GetProperty("norm_last_layer_student").GetBoolean(),
            LocalCrops = I("local_crops"),
            LocalSize = I("local_size"),
            ImageSize = I("img_size"),
            BatchSize = batch,
            Epochs = I("epochs_schedule"),
            // The fixture's rate is already scaled by the batch.
            LearningRate = D("lr") * 256 / batch,
            MinLearningRate = D("min_lr"),
            WarmupEpochs = I("warmup_epochs"),
            WeightDecay = D("weight_decay"),
            WeightDecayEnd = D("weight_decay_end"),
            TeacherMomentum = D("momentum_teacher"),
            WarmupTeacherTemperature = D("warmup_teacher_temp"),
            TeacherTemperature = D("teacher_temp"),
            WarmupTeacherTemperatureEpochs = I("warmup_teacher_temp_epochs"),
            ClipGradient = D("clip_grad"),
            FreezeLastLayerEpochs = I("freeze_last_layer_epochs"),
            Optimizer = OptimizerKind.AdamW,
        };
        using var generator = new Generator(0, CPU);
        using var dino = (Dino)options.CreateMethod(generator, CPU, shards);
        Fill(dino.Student);
        Fill(dino.Teacher);
        var groups = dino.Parameters.Groups.ToDictionary(g => g.Name, g => g.Slots.Select(s => s.Name).ToHashSet());
        var expectedGroups = p.GetProperty("param_groups");
        Assert.Equal(Names(expectedGroups, "regularized"),
            groups[FlatParameters.Decayed].Concat(groups[Dino.LastLayer]).Order());
        Assert.Equal(Names(expectedGroups, "not_regularized"), groups[FlatParameters.Undecayed].Order());

        using var step = new TrainingStep(dino, options.CreatePlan(), shards, shards, 1);
        var losses = new List<double>();
        int crops = 2 + I("local_crops"), steps = perEpoch * I("epochs_run");
        for (int i = 0; i < steps; i++)
        {
            using var scope = NewDisposeScope();
            var views = Enumerable.Range(0, crops).Select(c => golden.Input($"iter{i}_crop{c}").ToTensor()).ToArray();
            if (i == 0)
            {
                using var noGrad = no_grad();
                golden.Expected("initial_student_output")
                    .AssertClose(cat([.. views.Select(dino.Student.call)], 0), 1e-5, "initial_student_output");
                golden.Expected("initial_teacher_output")
                    .AssertClose(cat([.. views.Take(2).Select(dino.Teacher.call)], 0), 1e-5, "initial_teacher_output");
            }
            losses.Add(step.Run(views, new StepClock(i, perEpoch, options.Epochs)).Loss.ToSingle());
            if (i == perEpoch - 1)
            {
                var rows = golden.Expected("student_head_last_layer_weight_v_after_epoch0");
                rows.AssertClose(Named(dino.Student, "head.last_layer.weight_v").narrow(0, 0, rows.Shape[0]), 2e-4,
                    "last layer after epoch 0");
            }
        }
        golden.Expected("losses").AssertValues(losses, 1e-4, "losses");
        golden.Expected("center").AssertClose(dino.Loss.Center, 2e-4, "center");
        foreach (var name in golden.ExpectedNames.Where(n =>
            n.StartsWith("student.", StringComparison.Ordinal) || n.StartsWith("teacher.", StringComparison.Ordinal)))
        {
            using var scope = NewDisposeScope();
            var network = name.StartsWith("student.", StringComparison.Ordinal) ? dino.Student : dino.Teacher;
            var key = name["student.".Length..];
            var expected = golden.Expected(name);
            Tensor actual;
            if (key.EndsWith(']'))
            {
                // The q and v thirds of a qkv bias.
                var bias = Named(network, key[..^3]);
                long third = bias.size(0) / 3;
                actual = bias.narrow(0, key[^2] == 'q' ? 0 : 2 * third, third);
            }
            else
            {
                actual = Named(network, key);
                if (!actual.shape.SequenceEqual(expected.Shape)) actual = actual.narrow(0, 0, expected.Shape[0]);
            }
            expected.AssertClose(actual, 2e-4, name);
        }
        var l2 = p.GetProperty("param_l2_names").EnumerateArray().Select(n => n.GetString()!).ToArray();
        golden.Expected("student_param_l2").AssertValues(
            [.. l2.Select(n => (double)Named(dino.Student, n).norm().ToSingle())], 2e-4, "student_param_l2");
        golden.Expected("teacher_param_l2").AssertValues(
            [.. l2.Select(n => (double)Named(dino.Teacher, n).norm().ToSingle())], 2e-4, "teacher_param_l2");
    }

    private static IEnumerable<string> Names(JsonElement parent, string key) =>
        parent.GetProperty(key).EnumerateArray().Select(n => n.GetString()!).Order();

    private static Tensor Named(nn.Module network, string name) =>
        network.named_parameters().First(n => n.name == name).parameter;

    private static void Fill(nn.Module network)
    {
        using var noGrad = no_grad();
        foreach (var (name, parameter) in network.named_parameters())
        {
            string kind = name.EndsWith("weight_g", StringComparison.Ordinal) ? "one"
                : name.Contains("norm", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal)
                ? "norm_weight" : "weight";
            parameter.copy_(tensor(GoldenRules.Sine(name, kind, parameter.numel()), parameter.shape));
        }
    }

    /// <summary>A module of parameters of given shapes.</summary>
    private sealed class Bag : nn.Module
    {
        public Bag(IEnumerable<long[]> shapes) : base(nameof(Bag))
        {
            int i = 0;
            foreach (var shape in shapes) register_parameter($"p{i++}", nn.Parameter(zeros(shape)));
        }
    }
}
