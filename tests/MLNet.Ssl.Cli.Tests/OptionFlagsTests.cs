using System.CommandLine;
using System.Reflection;
using System.Text.Json.Nodes;
using MLNet.Ssl.Cli.Arguments;

namespace MLNet.Ssl.Cli.Tests;

public sealed class OptionFlagsTests
{
    public static TheoryData<string> Records =>
        [.. OptionTypes.Methods.Values.Append(typeof(FineTuneOptions)).Append(typeof(LinearProbeOptions))
            .Append(typeof(PretrainedOptions))
            .Select(type => type.AssemblyQualifiedName!)];

    [Theory, MemberData(nameof(Records))]
    public void EveryOptionOfARecordIsAFlagThatSaysWhatItIs(string record)
    {
        var type = Type.GetType(record)!;
        var command = new Command("x");
        new OptionFlags(type).AddTo(command);
        var flags = command.Options.Select(flag => flag.Name).ToHashSet();
        var options = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite).ToList();
        Assert.NotEmpty(options);
        // What no text can say: a receiver and tokens.
        Type[] beyondText = [typeof(IProgress<TrainingProgress>), typeof(CancellationToken)];
        Assert.All(options.Where(option => !beyondText.Contains(option.PropertyType)),
            option => Assert.Contains($"--{Names.Kebab(option.Name)}", flags));
        Assert.All(LibraryOption.Of(type), option => Assert.False(string.IsNullOrEmpty(option.Doc.Summary),
            option.Name));
    }

    public static TheoryData<string> Presets =>
        [.. OptionTypes.Named(typeof(PretrainOptions)).Keys];

    [Theory, MemberData(nameof(Presets))]
    public void APresetStaysWhatItIs(string name)
    {
        var preset = OptionTypes.Named(typeof(PretrainOptions))[name]();
        var again = Create(preset.GetType(), preset, null);
        Assert.Equal(OptionText.Of(preset, new Dictionary<string, object>()),
            OptionText.Of(again, new Dictionary<string, object>()));
    }

    [Fact]
    public void FlagsStandOverTheFileAndTheFileOverThePreset()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("run.json"), """
            {
              // Names are those of the library, in any spelling.
              "preset": "MoCoV2ImageNet",
              "BatchSize": 128, "learning-rate": 0.5, "queueLength": 1024,
              "backbone": { "kind": "ResNet", "width": 32 },
              "mixing": "i-mix",
            }
            """);
        string[] arguments = ["pretrain", "x", "--options", folder.File("run.json"), "--QueueLength", "2048",
            "--backbone.stem=Small",
            "--mixing.alpha", "2", "--symmetric", "--checkpoint-every", "3 epochs", "--decay-epochs", "10,20", "--view",
                "IMixCifar",
            "--view.scale", "0.3,1", "--temperature", "auto"];
        var choice = MLNet.Ssl.Cli.Commands.MethodChoice.Of(arguments);
        var options = Assert.IsType<MoCoOptions>(Create(choice.Type, choice.Preset, choice.File, arguments[4..]));
        Assert.Equal((200, 128, 0.5, 2048), (options.Epochs, options.BatchSize, options.LearningRate,
            options.QueueLength));
        var network = Assert.IsType<ResNetOptions>(options.Backbone);
        // A part of the preset's kind is changed, not replaced.
        Assert.Equal((32, ResNetStem.Small, "3, 4, 6, 3"),
            (network.Width, network.Stem, string.Join(", ", network.BlocksPerStage)));
        Assert.Equal(2, Assert.IsType<IMixOptions>(options.Mixing).Alpha);
        Assert.True(options.Symmetric);
        Assert.Equal(CheckpointInterval.Epochs(3), options.CheckpointEvery);
        Assert.Equal([10, 20], options.DecayEpochs);
        Assert.Equal(ViewRecipes.IMixCifar() with { Scale = (0.3, 1) }, options.View);
        Assert.Null(options.Temperature);
    }

    [Fact]
    public void ACacheIsNamedByItsFolder()
    {
        var cache = new ImageCache("decoded") { MaxBytes = 2_000_000 };
        var options = (SimClrOptions)Create(typeof(SimClrOptions), null, null, "--image-cache", "decoded",
            "--image-cache.max-bytes", "2000000", "--apply-exif-orientation", "--on-unreadable-image", "skip");
        Assert.Equal((cache, true, OnUnreadableImage.Skip),
            (options.ImageCache, options.ApplyExifOrientation, options.OnUnreadableImage));
        var file = (JsonObject)JsonNode.Parse("""{ "imageCache": "decoded" }""")!;
        Assert.Equal("decoded", ((FineTuneOptions)Create(typeof(FineTuneOptions), null, file)).ImageCache!.Folder);
    }

    [Theory]
    [InlineData("--learning-rate is 'fast'", "--learning-rate", "fast")]
    [InlineData("expected a number, with a point", "--learning-rate", "0,5")]
    [InlineData("--epochs is '1.5'; expected a whole number", "--epochs", "1.5")]
    [InlineData("expected one of sgd", "--optimizer", "quick")]
    [InlineData("expected one of convnext, resnet", "--backbone", "alexnet")]
    [InlineData("set --backbone too", "--backbone.width", "8")]
    [InlineData("no option of resnet, but of vision-transformer", "--backbone", "resnet", "--backbone.patch-size", "8")]
    [InlineData("Did you mean --learning-rate", "--learning-rte", "1")]
    [InlineData("--preset is 'none-such'", "--preset", "none-such")]
    [InlineData("--method is 'jepa'; expected one of byol", "--method", "jepa")]
    [InlineData("--preset MoCoV1ImageNet is one of moco", "--method", "dino", "--preset", "MoCoV1ImageNet")]
    public void WhatDoesNotFitIsRefusedByItsFlag(string expected, params string[] flags)
    {
        using var folder = new TemporaryFolder();
        Photo(folder.File("a.png"));
        var run = Tool.Run(["pretrain", folder.Path, "--output", folder.File("model.zip"), .. flags]);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.False(Directory.Exists(folder.File("model.run")));
    }

    [Theory]
    [InlineData("""{"learningRat": 1}""", "did you mean learningRate")]
    [InlineData("""{"backbone": {"width": 8}}""", "has no 'kind'")]
    [InlineData("""{"backbone": {"kind": "resnet", "patchSize": 8}}""", "has no option 'patchSize'")]
    [InlineData("""{"epochs": "many"}""", "epochs")]
    [InlineData("""{"epochs": 1, "Epochs": 2}""", "twice")]
    [InlineData("[1]", "no JSON object")]
    [InlineData("{", "no JSON")]
    public void AFileThatDoesNotFitIsRefused(string json, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("run.json"), json);
        Photo(folder.File("a.png"));
        var run = Tool.Run("pretrain", folder.Path, "--options", folder.File("run.json"), "--output",
            folder.File("model.zip"));
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error);
    }

    [Fact]
    public void TheHelpTeaches()
    {
        var help = Tool.Do("--help").Output;
        Assert.Contains("130  stopped by Ctrl-C", help);
        Assert.Contains("mlssl setup", help);
        Assert.Contains("\n  mlssl [command] [options]", help);
        Assert.DoesNotMatch(@"\bV1\b", Tool.Do("pretrain", "--help").Output);
        var dino = Tool.Do("pretrain", "--method", "dino", "--help").Output;
        Assert.Contains("--teacher-temperature", dino);
        Assert.Contains("Examples:", dino);
        Assert.DoesNotContain("--queue-length", dino);
        Assert.Contains("--queue-length", Tool.Do("pretrain", "--method", "moco", "--help").Output);
        string options = Tool.Do("options", "dino", "patch").Output;
        Assert.Contains("--backbone.patch-size <number>  (of VisionTransformer)", options);
        Assert.Contains("Side of a patch", options);
        string model = Tool.Do("options", "model").Output;
        Assert.Contains("--model.image-size", model);
        Assert.Contains("\n--apply-exif-orientation", model);
        Assert.Equal("--backbone.patch-size", Tool.Do("options", "dino", "patch", "--json")
            .Lines()[0].GetProperty("flag").GetString());
    }

    private static void Photo(string path) => RgbImages.Save(new(new byte[3 * 40 * 40], 40, 40), path);

    private static object Create(Type record, object? start, JsonObject? file, params string[] arguments)
    {
        var command = new Command("x");
        var flags = new OptionFlags(record);
        flags.AddTo(command);
        return flags.Create(command.Parse(Spelling.Normalize(arguments, command)), start, file);
    }
}
