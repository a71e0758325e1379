using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using MLNet.Ssl.Cli.Commands;
using MLNet.Ssl.Cli.Embeddings;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;
using Parquet;
using Parquet.Schema;

namespace MLNet.Ssl.Cli.Tests;

/// <summary>The commands on real photos, one after the other as a user would.</summary>
[Collection(nameof(CommandTests))]
public sealed class CommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FromPhotosToASearchPage()
    {
        string photos = RealData.Path("photos"), model = _folder.File("photos.zip"),
            embeddings = _folder.File("embeddings");
        int count = Directory.EnumerateFiles(photos, "*.jpg", SearchOption.AllDirectories).Count();

        var trained = Tool.Do(["pretrain", photos, "--output", model, "--epochs", "2", .. Tool.Small, "--json",
            "--report", _folder.File("run.html"), "--evaluation-train", photos, "--evaluation-test", photos]);
        var events = trained.Lines();
        var start = events.Single(line => line.GetProperty("event").GetString() == "start");
        Assert.Equal("SimCLR", start.GetProperty("options").GetProperty("MethodName").GetString());
        var progress = events.Last(line => line.GetProperty("event").GetString() == "progress").GetProperty("progress");
        Assert.Equal((2, 2), (progress.GetProperty("epoch").GetInt32(), progress.GetProperty("epochs").GetInt32()));
        Assert.InRange(progress.GetProperty("dataWait").GetDouble(), 0, 1);
        Assert.Equal(model, events[^1].GetProperty("output").GetString());
        Assert.Equal(["run.jsonl"], Directory.GetFileSystemEntries(_folder.File("photos.run"))
            .Select(Path.GetFileName));
        Assert.Contains("Embeddings", File.ReadAllText(_folder.File("run.html")));

        // Three shards, of which one is cut off and goes on.
        string[] embed = ["embed", photos, "--model", model, "--output", embeddings, "--rows-per-file", "8"];
        for (int shard = 0; shard < 3; shard++) Tool.Do([.. embed, "--shard", $"{shard}/3"]);
        var lost = Directory.GetFiles(embeddings, "shard-00001-*").Order().Last();
        var whole = File.ReadAllBytes(lost);
        File.Delete(lost);
        string index = _folder.File("photos.index");
        var refused = Tool.Run("index", embeddings, "--output", index);
        Assert.Equal(1, refused.Code);
        Assert.Contains("shard 1 lacks part", refused.Error);
        Assert.False(File.Exists(index));
        Assert.Contains("are there already", Tool.Do([.. embed, "--shard", "1/3"]).Error);
        Assert.Equal(whole, File.ReadAllBytes(lost));
        Assert.Equal(count, Tool.Do("index", embeddings, "--output", index, "--json").Lines()[^1].GetProperty("rows")
            .GetInt32());

        // One process gives the same embeddings as three.
        Tool.Do(["embed", photos, "--model", model, "--output", _folder.File("alone")]);
        var alone = EmbeddingSet.Open([_folder.File("alone")]).Read().Single();
        var sharded = EmbeddingSet.Open([embeddings]).Read().ToList();
        Assert.Equal(alone.Keys, sharded.SelectMany(rows => rows.Keys));
        Assert.Equal(alone.Labels!, sharded.SelectMany(rows => rows.Labels!));
        Assert.All(alone.Values.Zip(sharded.SelectMany(rows => rows.Values)),
            pair => Assert.Equal(pair.First, pair.Second, 1e-4f));

        string query = Path.Combine(photos, alone.Keys[0]);
        var search = Tool.Do("search", index, query, "--model", model, "--count", "3", "--json").Lines()[0];
        Assert.Equal(alone.Keys[0], search.GetProperty("rows")[0].GetProperty("key").GetString());
        Assert.Equal(3, search.GetProperty("rows").GetArrayLength());
        var byKey = Tool.Do("search", index, "--key", alone.Keys[0], "--count", "3");
        Assert.DoesNotContain($"  {alone.Keys[0]}", byKey.Output);
        Tool.Do("search", index, "--model", model, "--images", photos, "--page", _folder.File("search.html"));
        Assert.Equal(6, File.ReadAllText(_folder.File("search.html")).Split("<section>").Length - 1);

        var accuracy = Tool.Do("evaluate", embeddings, "--protocol", "knn,linear,closed-form", "--neighbors", "5",
            "--epochs", "2", "--json").Lines();
        Assert.Equal(["knn", "linear", "closed-form"],
            accuracy.Select(line => line.GetProperty("protocol").GetString()));
        Assert.All(accuracy, line => Assert.InRange(line.GetProperty("accuracy").GetDouble(), 0, 1));
        Assert.Contains("knn, 5 neighbours", Tool.Do("evaluate", photos, "--model", model, "--neighbors", "5").Output);

        Tool.Do(
            "report", _folder.File("photos.run"), "-o", _folder.File("later.html"), "--model", model, "--data", photos);
        string page = File.ReadAllText(_folder.File("later.html"));
        Assert.Contains("SimCLR", page);
        Assert.Contains("Embeddings", page);
        // What is drawn from the log is what the run itself drew.
        foreach (string drawn in new[] { "<dt>Rows</dt>", "<dt>Untrained</dt>", ">untrained ", ">most common class " })
        {
            Assert.Contains(drawn, page);
            Assert.Contains(drawn, File.ReadAllText(_folder.File("run.html")));
        }
    }

    [Fact]
    public void AnEncoderIsExportedInspectedAndFineTuned()
    {
        string photos = RealData.Path("photos"), weights = _folder.File("w.safetensors");
        Tool.Do(["pretrain", photos, "--output", weights, "--epochs", "0", .. Tool.Small]);
        Assert.Contains("networks", Tool.Do("inspect", weights).Output);
        Assert.Contains("ResNet", Tool.Do("inspect", weights, "--json").Lines()[0].GetProperty("--model takes")
            .GetString());
        Assert.Contains("conv1.weight: Float32 (8, 3, 3, 3)", Tool.Do("inspect", weights, "--tensors").Output);

        Tool.Do("export", weights, _folder.File("e.zip"));
        Tool.Do("export", _folder.File("e.zip"), _folder.File("e.onnx"));
        Assert.True(new FileInfo(_folder.File("e.onnx")).Length > 1000);
        var model = Tool.Do("inspect", _folder.File("e.zip"), "--json").Lines()[0];
        Assert.Equal("model", model.GetProperty("kind").GetString());
        Assert.Equal("embeds", model.GetProperty("step 1").GetProperty("does").GetString());

        var tuned = Tool.Do(["finetune", photos, "--model", weights, "--output", _folder.File("c.zip"),
            "--test", photos, "--epochs", "4", "--batch-size", "16", "--layer-decay", "0.9", "--seed", "1", "--json",
            "--validation", photos, "--validation.every-epochs", "2", "--report", _folder.File("tuned.html")])
            .Lines();
        var validated = tuned.Where(line => line.GetProperty("event").GetString() == "progress")
            .Select(line => line.GetProperty("progress"))
            .Where(line => line.TryGetProperty("validationAccuracy", out _)).ToList();
        Assert.Equal([2, 4], validated.Select(line => line.GetProperty("epoch").GetInt32()));
        // The test images are those of the validation: the best of its epochs was written.
        Assert.Equal(validated.Max(line => line.GetProperty("validationAccuracy").GetDouble()),
            tuned.Single(line => line.GetProperty("event").GetString() == "accuracy").GetProperty("accuracy")
                .GetDouble(), 6);
        Assert.Contains("Validation accuracy", File.ReadAllText(_folder.File("tuned.html")));
        Assert.Contains("'many'; expected a whole number", Tool.Run("finetune", photos, "--model", weights,
            "--validation", photos, "--validation.patience", "many").Error);
        Assert.InRange(tuned.Single(line => line.GetProperty("event").GetString() == "accuracy").GetProperty("accuracy")
            .GetDouble(), 0.05, 1);
        Assert.Contains("classifies images", Tool.Do("inspect", _folder.File("c.zip")).Output);
        Tool.Do("export", _folder.File("c.zip"), _folder.File("c.onnx"));
        var refused = Tool.Run("embed", photos, "--model", _folder.File("c.zip"), "--output", _folder.File("x"));
        Assert.Equal(1, refused.Code);
        Assert.Contains("expected a model that ends in an encoder", refused.Error);
        refused = Tool.Run("embed", photos, "--model", _folder.File("c.zip"), "--output", _folder.File("x"),
            "--model.last-blocks", "2");
        Assert.Equal(2, refused.Code);
        Assert.Contains("--model.… is for weights", refused.Error);

        Assert.Contains("tulips: ", Tool.Do("inspect", photos).Output);
        Assert.Contains("classes: 6", Tool.Do("inspect", _folder.File("c.zip")).Output);
    }

    [Fact]
    public void LabelsThatNoRowToLearnFromHasAreLeftOutOfAnAccuracyAndTold()
    {
        Write("train.csv", "a,b,label", row => $"{row},{-row},{(row < 8 ? "low" : "high")}", 16);
        Write("test.csv", "a,b,label", row => $"{row},{-row},{(row < 4 ? "low" : "other")}", 10);
        Write("none.csv", "a,b,label", row => $"{row},{-row},other", 10);
        string model = _folder.File("t.mlssl");
        Tool.Do("pretrain", _folder.File("train.csv"), "--output", model, "--epochs", "0");
        string[] evaluate = ["evaluate", _folder.File("train.csv"), "--model", model, "--json", "--test"];
        var measured = Tool.Do([.. evaluate, _folder.File("test.csv")]);
        Assert.Contains(
            "6 of 10 rows to classify have labels that no row to learn from has ('other'); they are left out",
            measured.Error);
        Assert.Equal(4, measured.Lines()[^1].GetProperty("test").GetInt32());
        // The published 20, 100 and 200 neighbours are more than there are rows.
        Assert.Equal([10], measured.Lines().Where(line => line.GetProperty("event").GetString() == "accuracy")
            .Select(line => line.GetProperty("numberOfNeighbors").GetInt32()));
        Assert.Contains("--neighbors has 20; there are 16 rows to learn from, which all vote",
            Tool.Do([.. evaluate, _folder.File("test.csv"), "--neighbors", "5,20"]).Error);
        var refused = Tool.Run([.. evaluate, _folder.File("none.csv")]);
        Assert.Equal(1, refused.Code);
        Assert.Contains("their labels are 'other'", refused.Error);

        void Write(string name, string head, Func<int, string> line, int rows) =>
            File.WriteAllLines(_folder.File(name), [head, .. Enumerable.Range(0, rows).Select(line)]);
    }

    [Fact]
    public void RowsAreEvaluatedAlikeInPartsAndAtOnce()
    {
        File.WriteAllLines(_folder.File("t.csv"), ["a,b,label", .. Enumerable.Range(0, 20).Select(row =>
            $"{row},{row * row},{(row < 13 ? "" : "x")}")]);
        string model = _folder.File("t.mlssl");
        Tool.Do("pretrain", _folder.File("t.csv"), "--output", model, "--epochs", "0");
        var context = new MLContext();
        using var loaded = LoadedModel.Load(context, model, new(), null);
        var session = new Session(TextWriter.Null, TextWriter.Null, CancellationToken.None);
        float[][] Rows(int atATime) => [.. LabeledEmbeddings
            .Of(new(_folder.File("t.csv")), loaded, session, atATime).View(context).GetColumn<float[]>("Embedding")];
        Assert.Equal(7, Rows(100).Length);
        Assert.All(Rows(100).Zip(Rows(6)), pair =>
            Assert.Equal(pair.First, pair.Second, (a, b) => Math.Abs(a - b) < 1e-5f));
    }

    [Fact]
    public void ATableLearnsByMaskedReconstructionAndKeepsItsSteps()
    {
        string Line(int row) => FormattableString.Invariant($"r{row},{Math.Sin(row):0.000},")
            + $"{(row % 9 == 0 ? "" : $"{row % 5}")},{(row % 3 == 0 ? "red" : "blue")},{row % 2}";
        var lines = Enumerable.Range(0, 80).Select(Line);
        File.WriteAllLines(_folder.File("t.csv"), ["id,a,b,colour,label", .. lines]);
        var trained = Tool.Do("pretrain", _folder.File("t.csv"), "--output", _folder.File("t.zip"), "--epochs", "1",
            "--batch-size", "16", "--seed", "1");
        Assert.Contains("masked reconstruction on 80 rows", trained.Error);
        Tool.Do("embed", _folder.File("t.csv"), "--model", _folder.File("t.zip"), "--output", _folder.File("e"));
        var rows = EmbeddingSet.Open([_folder.File("e")]).Read().Single();
        Assert.Equal(80, rows.Keys.Count);
        Assert.Equal("r79", rows.Keys[^1]);
        Assert.Contains("closed-form", Tool.Do("evaluate", _folder.File("e"), "--protocol", "closed-form").Output);
        // A column that was numbers and is words, and one that is gone.
        File.WriteAllText(_folder.File("bad.csv"), "a,b,colour\nx,1,red\n");
        var words = Tool.Run("embed", _folder.File("bad.csv"), "--model", _folder.File("t.zip"), "--output",
            _folder.File("f"));
        Assert.Equal(1, words.Code);
        Assert.Contains("column 'a'", words.Error);
        File.WriteAllText(_folder.File("less.csv"), "a,colour\n1,red\n");
        Assert.Contains("no column 'b'", Tool.Run("embed", _folder.File("less.csv"), "--model", _folder.File("t.zip"),
            "--output", _folder.File("f")).Error);
    }

    [Fact]
    public void AStoppedRunSaysHowToGoOnAndGoesOn()
    {
        string photos = RealData.Path("photos");
        string[] command = ["pretrain", photos, "--output", _folder.File("m.zip"), "--epochs", "3", .. Tool.Small];
        using var stop = new CancellationTokenSource();
        var output = new Stopping(stop);
        var error = new StringWriter();
        int code = CommandLine.Run([.. command, "--json"], output, error, stop.Token);
        Assert.Equal(130, code);
        Assert.Contains($"mlssl pretrain {photos}", error.ToString());
        Assert.EndsWith("--resume", error.ToString().Trim());
        Assert.False(File.Exists(_folder.File("m.zip")));
        var checkpoint = Tool.Do("inspect", _folder.File("m.run"), "--json").Lines()[0];
        Assert.Contains("checkpoints", checkpoint.GetProperty("kind").GetString());
        Assert.Equal("SimCLR", checkpoint.GetProperty("run").GetProperty("MethodName").GetString());
        // Without the flag the run is not thrown away.
        var refused = Tool.Run(command);
        Assert.Equal(1, refused.Code);
        Assert.Contains("Resume", refused.Error);
        // Stopped again, it names the flag once.
        using var again = new CancellationTokenSource();
        again.Cancel();
        error = new();
        Assert.Equal(130, CommandLine.Run([.. command, "--resume"], new StringWriter(), error, again.Token));
        Assert.Single(Regex.Matches(error.ToString(), "--resume"));
        // As where the disk was full, or the run was killed.
        File.AppendAllText(_folder.File("m.run/run.jsonl"), """{"event":"progress","pro""");
        Tool.Do([.. command, "--resume"]);
        Tool.Do([.. command[..3], _folder.File("whole.zip"), .. command[4..]]);
        Assert.Equal(Weights("whole.zip"), Weights("m.zip"));
        Tool.Do("report", _folder.File("m.run"), "--output", _folder.File("report.html"));
    }

    [Theory]
    [InlineData(2, "expected .mlssl", "pretrain", "{photos}", "--output", "x.pth")]
    [InlineData(1, "no image file", "pretrain", "{empty}")]
    [InlineData(1, "There is no file or folder", "pretrain", "nowhere")]
    [InlineData(1, "--download fetches them", "embed", "{photos}", "--model", "dinov2_vits14")]
    [InlineData(1, "no published network of that name", "embed", "{photos}", "--model", "no-such")]
    [InlineData(2, "--shard is '9/3'", "embed", "{photos}", "--model", "x", "--shard", "9/3")]
    [InlineData(2, "Required", "embed", "{photos}")]
    [InlineData(2, "", "no-such-command")]
    [InlineData(1, "line 1, is no line of a run's log", "report", "{text}")]
    [InlineData(1, "it is no zip archive", "search", "{text}", "x")]
    [InlineData(2, "Did you mean pretrain?", "pretrian", "{photos}")]
    [InlineData(2, "is a folder; expected a file", "pretrain", "{photos}", "--output", "{empty}")]
    [InlineData(2, "there is no such file", "pretrain", "{photos}", "--output", "{output}", "--options", "no.json")]
    [InlineData(2, "text.jsonl' is no JSON", "pretrain", "{photos}", "--output", "{output}", "--options", "{text}")]
    [InlineData(1, "fine-tuning takes images", "finetune", "{table}", "--model", "x", "--output", "{output}")]
    [InlineData(1, "the loss is not finite", "pretrain", "{photos}", "--output", "{output}", "--epochs", "9",
        "--learning-rate", "1e30", "--backbone", "resnet", "--backbone.width", "4", "--backbone.blocks-per-stage", "1",
        "--image-size", "32", "--batch-size", "16")]
    [InlineData(1, "you tried to allocate", "pretrain", "{table}", "--output", "{output}", "--backbone", "tabular-mlp",
        "--backbone.input-width", "7000000", "--backbone.hidden-widths", "7000000")]
    public void WhatCannotBeEndsInItsExitCode(int code, string expected, params string[] command)
    {
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        Directory.CreateDirectory(_folder.File("empty"));
        File.WriteAllText(_folder.File("text.jsonl"), "no json\n");
        File.WriteAllLines(_folder.File("t.csv"), ["a,b", .. Enumerable.Range(0, 300).Select(row => $"{row},{-row}")]);
        string photos = RealData.Path("photos");
        var run = Tool.Run([.. command.Select(word => word.Replace("{photos}", photos)
            .Replace("{empty}", _folder.File("empty")).Replace("{output}", _folder.File("o.mlssl"))
            .Replace("{text}", _folder.File("text.jsonl")).Replace("{table}", _folder.File("t.csv")))]);
        Assert.True(run.Code == code, $"{run.Code}: {run.Error}");
        Assert.Contains(expected, run.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void UnreadableImagesEndTheCommandOrAreLeftOut()
    {
        string photos = _folder.File("photos");
        foreach (string file in Directory.EnumerateFiles(RealData.Path("photos"), "*.jpg", SearchOption.AllDirectories)
            .Order().Take(4))
        {
            Directory.CreateDirectory(photos);
            File.Copy(file, Path.Combine(photos, Path.GetFileName(file)));
        }
        File.WriteAllText(Path.Combine(photos, "bad.jpg"), "no image");
        string weights = _folder.File("w.safetensors");
        string[] pretrain = ["pretrain", photos, "--output", weights, "--epochs", "0", .. Tool.Small, "--batch-size",
            "4"];
        var refused = Tool.Run(Without(pretrain));
        Assert.Equal(1, refused.Code);
        Assert.Contains("bad.jpg", refused.Error);
        var trained = Tool.Do([.. Without(pretrain), "--on-unreadable-image", "skip"]);
        Assert.Contains("bad.jpg", trained.Error);
        Assert.Equal(1, Tool.Run("embed", photos, "--model", weights, "--output", _folder.File("e")).Code);
        var embedded = Tool.Do("embed", photos, "--model", weights, "--output", _folder.File("e"),
            "--on-unreadable-image", "skip");
        Assert.Contains("bad.jpg", embedded.Error);
        Assert.Equal((4, 1), (EmbeddingSet.Open([_folder.File("e")]).Rows,
            EmbeddingSet.Open([_folder.File("e")]).Skipped));
    }

    [Fact]
    public async Task PathsAndBytesEmbedAlikeAndRowsAreNamed()
    {
        string photos = RealData.Path("photos"), weights = _folder.File("w.safetensors");
        string[] files = [.. Directory.EnumerateFiles(photos, "*.jpg", SearchOption.AllDirectories).Order().Take(5)];
        string folder = Directory.CreateDirectory(_folder.File("some")).FullName;
        foreach (string file in files) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        Tool.Do(["pretrain", folder, "--output", weights, "--epochs", "0", .. Without(Tool.Small)]);
        string parquet = _folder.File("some.parquet"), damaged = _folder.File("damaged.parquet");
        await WriteParquet(parquet, [.. files.Select(File.ReadAllBytes)]);
        await WriteParquet(damaged, [.. files.Select((file, row) => row == 3 ? [1, 2, 3] : File.ReadAllBytes(file))]);
        Tool.Do("embed", folder, "--model", weights, "--output", _folder.File("paths"));
        Tool.Do("embed", parquet, "--model", weights, "--output", _folder.File("bytes"));
        Assert.Equal(Values("paths"), Values("bytes"));

        string[] embed = ["embed", damaged, "--model", weights, "--rows-per-file", "2", "--output"];
        var refused = Tool.Run([.. embed, _folder.File("none")]);
        Assert.Equal(1, refused.Code);
        Assert.Contains("damaged.parquet, row 3'", refused.Error);
        Tool.Do([.. embed, _folder.File("four"), "--on-unreadable-image", "skip"]);
        Assert.Equal(["0", "1", "2", "4"], EmbeddingSet.Open([_folder.File("four")]).Read().SelectMany(r => r.Keys));
        Assert.Equal(Values("paths").Chunk(Values("paths").Length / 5).Where((_, row) => row != 3).SelectMany(v => v),
            Values("four"), (a, b) => Math.Abs(a - b) < 1e-4f);
    }

    [Fact]
    public void ImagesAreTurnedAsTheirExifDataSaysWhereThatIsWanted()
    {
        string photos = Directory.CreateDirectory(_folder.File("photos")).FullName;
        string weights = _folder.File("w.safetensors");
        var bytes = File.ReadAllBytes(Directory
            .EnumerateFiles(RealData.Path("photos"), "*.jpg", SearchOption.AllDirectories).Order().First());
        // Behind the mark of the file's start: EXIF data of one field, orientation 6, a quarter turn.
        byte[] turned = [.. bytes[..2], 0xff, 0xe1, 0, 34, .. "Exif\0\0MM\0*\0\0\0\b"u8, 0, 1, 0x01, 0x12, 0, 3,
            0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, .. bytes[2..]];
        File.WriteAllBytes(Path.Combine(photos, "turned.jpg"), turned);
        File.WriteAllBytes(Path.Combine(photos, "stored.jpg"), bytes);
        Tool.Do(["pretrain", photos, "--output", weights, "--epochs", "0", .. Without(Tool.Small)]);
        Tool.Do("embed", photos, "--model", weights, "--output", _folder.File("as-stored"));
        Tool.Do("embed", photos, "--model", weights, "--output", _folder.File("upright"), "--apply-exif-orientation",
            "true");
        var (stored, upright) = (Values("as-stored"), Values("upright"));
        int half = stored.Length / 2;
        Assert.Equal(stored[..half], stored[half..]);
        Assert.Equal(stored[..half], upright[..half]);
        Assert.NotEqual(upright[..half], upright[half..]);
    }

    private float[] Values(string embeddings) =>
        [.. EmbeddingSet.Open([_folder.File(embeddings)]).Read().SelectMany(rows => rows.Values)];

    private static async Task WriteParquet(string path, byte[][] images)
    {
        var bytes = new DataField<byte[]>("bytes");
        await using var stream = File.Create(path);
        await using var writer = await ParquetWriter.CreateAsync(new(bytes), stream);
        using var rows = writer.CreateRowGroup();
        await rows.WriteAsync(bytes, images);
    }

    // A flag stands on a command line once.
    private static string[] Without(string[] command)
    {
        int batch = Array.IndexOf(command, "--batch-size");
        return [.. command[..batch], .. command[(batch + 2)..]];
    }

    private string Weights(string model)
    {
        Tool.Do("export", _folder.File(model), _folder.File("weights.safetensors"));
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
            File.ReadAllBytes(_folder.File("weights.safetensors"))));
    }

    /// <summary>Stops the command once it has told of its progress.</summary>
    private sealed class Stopping(CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value is not null && JsonDocument.Parse(value).RootElement.GetProperty("event")
                .GetString() == "progress") stop.Cancel();
        }
    }
}

[CollectionDefinition(nameof(CommandTests), DisableParallelization = true)]
public class CommandCollection;
