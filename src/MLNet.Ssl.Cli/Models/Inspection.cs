using System.Globalization;
using System.Text.Json;
using MLNet.Ssl.Checkpoints;
using MLNet.Ssl.Cli.Embeddings;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Terminal;
using MLNet.Ssl.Files;
using MLNet.Ssl.ImageFiles;
using MLNet.Ssl.ModelFiles;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Pretrained;
using MLNet.Ssl.Weights;

namespace MLNet.Ssl.Cli.Models;

/// <summary>What a file or folder is, as facts by name.</summary>
internal sealed class Inspection
{
    private const string Run = "run.";

    private Inspection(string path, string kind) => Facts = new() { ["path"] = path, ["kind"] = kind };

    /// <summary>The facts, in the order that people read them.</summary>
    public Dictionary<string, object?> Facts { get; }

    /// <summary>Looks at what a path is.</summary>
    /// <exception cref="IOException">There is nothing.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or nothing that is known.</exception>
    public static Inspection Of(string path, bool tensors)
    {
        if (Directory.Exists(path)) return OfFolder(path, tensors);
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file or folder '{path}'.");
        if (FileKinds.IsModel(path)) return OfModel(path);
        if (FileKinds.IsIndex(path)) return OfIndex(path);
        if (FileKinds.IsParquet(path)) return OfParquet(path);
        if (ImageFolder.IsImage(path)) return OfImage(path);
        return Path.GetExtension(path) switch
        {
            ".jsonl" => OfLog(path),
            ".csv" or ".tsv" => OfTable(path),
            _ => OfWeights(path, tensors),
        };
    }

    /// <summary>The facts as lines.</summary>
    public string Text()
    {
        var lines = new List<string>();
        Add("", Facts);
        return string.Join('\n', lines);

        void Add(string indent, IEnumerable<KeyValuePair<string, object?>> facts)
        {
            foreach (var (name, value) in facts)
            {
                if (value is null) continue;
                if (value is IReadOnlyDictionary<string, object?> inner)
                {
                    lines.Add($"{indent}{name}:");
                    Add(indent + "  ", inner);
                }
                else if (value is IReadOnlyList<string> list)
                {
                    lines.Add($"{indent}{name}:");
                    lines.AddRange(list.Select(line => $"{indent}  {line}"));
                }
                else lines.Add($"{indent}{name}: {Convert.ToString(value, CultureInfo.InvariantCulture)}");
            }
        }
    }

    private static Inspection OfFolder(string path, bool tensors)
    {
        if (EmbeddingSet.IsFolderOfThem(path)) return OfEmbeddings(path);
        var checkpoints = Directory.EnumerateFiles(path, "checkpoint-*.safetensors")
            .OrderDescending(StringComparer.Ordinal).ToList();
        if (checkpoints.Count > 0)
        {
            var newest = OfWeights(checkpoints[0], tensors);
            newest.Facts["path"] = path;
            newest.Facts["kind"] = "folder of a run's checkpoints; what follows is the newest";
            newest.Facts["checkpoints"] = checkpoints.Select(file => Path.GetFileName(file)!).ToList();
            return newest;
        }
        if (File.Exists(Path.Combine(path, "run.jsonl"))) return OfLog(Path.Combine(path, "run.jsonl"));
        return OfImages(path, FolderRows.Open(new(path)));
    }

    private static Inspection OfImages(string path, ImageSource images)
    {
        var found = new Inspection(path, "images");
        found.Facts["rows"] = images.Count;
        found.Facts["labels"] = images.Labels?.CountBy(label => label ?? "(none)")
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .ToDictionary(entry => entry.Key, object? (entry) => entry.Value);
        return found;
    }

    private static Inspection OfTable(string path)
    {
        bool hasHeader = !TextTable.BeginsWithValues(path);
        var source = RowSource.Open(new(path, Header: hasHeader));
        if (source is ImageSource images) return OfImages(path, images);
        var found = new Inspection(path, "table");
        found.Facts["rows"] = source.Count;
        if (!hasHeader) found.Facts["header"] = "none: --header false";
        found.Facts["labelled"] = source.Labels is not null;
        found.Facts["columns"] = ((TableSource)source).Frame.Columns
            .ToDictionary(column => column.Name, object? (column) => column.DataType == typeof(float) ? "numbers"
                : "words");
        return found;
    }

    private static Inspection OfImage(string path)
    {
        var header = RgbImages.ReadHeader(File.ReadAllBytes(path));
        var found = new Inspection(path, $"image ({header.Format})");
        (found.Facts["width"], found.Facts["height"], found.Facts["frames"]) =
            (header.Width, header.Height, header.Frames);
        if (header.EndsEarly) found.Facts["damage"] = "the file ends early";
        return found;
    }

    private static Inspection OfIndex(string path)
    {
        var index = EmbeddingIndex.Load(path);
        var found = new Inspection(path, "embedding index");
        (found.Facts["rows"], found.Facts["dimension"]) = (index.Count, index.Dimension);
        if (index.Count > 0) found.Facts["first key"] = index.Keys[0];
        return found;
    }

    private static Inspection OfEmbeddings(string path)
    {
        var set = EmbeddingSet.Open([path]);
        var found = new Inspection(path, "embeddings, all shards of them");
        (found.Facts["rows"], found.Facts["skipped"], found.Facts["files"]) = (set.Rows, set.Skipped, set.Files.Count);
        if (set.Header is not { } header) return found;
        (found.Facts["dimension"], found.Facts["shards"]) = (header.Dimension, header.Shards);
        (found.Facts["model"], found.Facts["data"]) = (header.Model, header.Data);
        return found;
    }

    private static Inspection OfParquet(string path)
    {
        using var table = ParquetTable.Open(path);
        var header = EmbeddingHeader.Read(table, path);
        var found = new Inspection(path, header is null ? "Parquet file" : "embeddings, one file of them");
        found.Facts["rows"] = table.Rows;
        found.Facts["columns"] = table.Names.Distinct()
            .ToDictionary(name => name, object? (name) => table.IsVector(name) ? "vectors"
            : table.IsNumber(name) ? "numbers" : table.IsText(name) ? "text" : table.IsBytes(name) ? "bytes" : "other");
        if (header is null) return found;
        (found.Facts["dimension"], found.Facts["shard"]) = (header.Dimension, $"{header.Shard} of {header.Shards}");
        (found.Facts["part"], found.Facts["first row"]) = ($"{header.Part} of {header.Parts}", header.FirstRow);
        (found.Facts["model"], found.Facts["data"]) = (header.Model, header.Data);
        return found;
    }

    private static Inspection OfLog(string path)
    {
        var (start, progress) = RunJournal.Read(path);
        var found = new Inspection(path, "log of a run");
        found.Facts["run"] = start.Title;
        if (progress is { } last)
        {
            (found.Facts["step"], found.Facts["loss"]) = ($"{last.Step} of {last.TotalSteps}", last.Loss);
            found.Facts["epoch"] = $"{last.Epoch} of {last.Epochs}";
        }
        found.Facts["options"] = start.Options.ToDictionary(option => option.Key, object? (option) => option.Value);
        return found;
    }

    private static Inspection OfModel(string path)
    {
        using var file = File.OpenRead(path);
        try
        {
            using var archive = StoredArchive.Open(file);
            var description = JsonSerializer.Deserialize<ModelDescription>(
                archive.ReadAll(ModelDescription.EntryName, null, 1 << 28), BackboneJson.Options)!;
            var found = new Inspection(path, "model");
            found.Facts["written by"] = $"MLNet.Ssl {description.LibraryVersion}, format {description.FormatVersion}";
            found.Facts["bytes"] = file.Length;
            var parts = description.Model is ChainPart chain ? [.. chain.Members.Select(member => member.Transformer)]
                : new[] { description.Model };
            foreach (var (number, part) in parts.Index()) found.Facts[$"step {number + 1}"] = Describe(part);
            return found;
        }
        catch (Exception e) when (e
            is JsonException or InvalidDataException or NotSupportedException or ArgumentException)
        {
            throw new InvalidDataException($"The model file '{path}' is refused: {e.Message}", e);
        }
    }

    private static Dictionary<string, object?> Describe(SavedPart part) => part switch
    {
        EmbeddingPart embedding => new()
        {
            ["does"] = "embeds",
            ["input"] = embedding.Input,
            ["output"] = embedding.Output,
            ["network"] = embedding.Backbone.Describe(),
            ["method"] = embedding.Method,
            ["takes"] = embedding.Images is null ? "rows of a table" : "images",
            ["options"] = embedding.Options.Count == 0 ? null
                : embedding.Options.ToDictionary(option => option.Key, object? (option) => option.Value),
        },
        ImageClassificationPart classifier => new()
        {
            ["does"] = "classifies images",
            ["input"] = classifier.Columns.Features,
            ["output"] = classifier.Columns.PredictedLabel,
            ["network"] = classifier.Backbone.Describe(),
            ["classes"] = classifier.NumberOfClasses,
        },
        MLNetPart other => new() { ["does"] = other.Type },
        _ => new() { ["does"] = part.GetType().Name.Replace("Part", "", StringComparison.Ordinal) },
    };

    private static Inspection OfWeights(string path, bool tensors)
    {
        using var file = Checkpoint.Open(path);
        bool isRun = file.Metadata.Keys.Any(key => key.StartsWith(Run, StringComparison.Ordinal))
            && file.Metadata.ContainsKey("step");
        var found = new Inspection(path, $"{(isRun ? "checkpoint of a run" : "weights")} ({file.Format})");
        found.Facts["bytes"] = file.Length;
        var all = Tensors(file.Root).ToList();
        (found.Facts["tensors"], found.Facts["values"]) = (all.Count, all.Sum(tensor => tensor.Value.Count));
        found.Facts["types"] = string.Join(", ", all.CountBy(tensor => tensor.Value.Type)
            .Select(type => $"{type.Value} {type.Key}"));
        if (isRun)
        {
            found.Facts["step"] = file.Metadata["step"];
            if (TrainingCheckpoint.ScoreOf(path) is { } score) found.Facts["score"] = score;
            found.Facts["run"] = file.Metadata.Where(entry => entry.Key.StartsWith(Run, StringComparison.Ordinal))
                .OrderBy(entry => entry.Key, StringComparer.Ordinal)
                    .ToDictionary(entry => entry.Key[Run.Length..], object? (entry) => entry.Value);
        }
        else
        {
            found.Facts["metadata"] = file.Metadata.Count == 0 ? null
                : file.Metadata.ToDictionary(entry => entry.Key, object? (entry) => entry.Value);
            Networks(found, file, path);
        }
        if (tensors) found.Facts["names"] = all.Select(tensor => $"{tensor.Key}: {tensor.Value}").ToList();
        return found;
    }

    private static void Networks(Inspection found, Checkpoint file, string path)
    {
        var networks = StoredNetwork.FindAll(file.Root);
        if (networks.Count > 0)
            found.Facts["networks"] = networks.Select(network => network.Place.Length == 0 ? "the whole file"
                : network.Place).ToList();
        try
        {
            // Some networks are built to be compared.
            TorchLibrary.Require();
            using var weights = PretrainedWeights.Open(path);
            found.Facts["--model takes"] =
                $"{weights.Backbone.Describe()}{(weights.Method is { } method ? $", of {method}" : "")}; "
                + $"{weights.Report}";
        }
        catch (InvalidDataException e)
        {
            found.Facts["--model takes"] = $"nothing: {e.Message}";
        }
        catch (NoLibTorchException)
        {
            found.Facts["--model takes"] = "not known: libtorch is not here, run 'mlssl setup' once";
        }
    }

    private static IEnumerable<KeyValuePair<string, StoredTensor>> Tensors(object? root)
    {
        var visited = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var pending = new Queue<(string Name, object? Value)>([("", root)]);
        while (pending.TryDequeue(out var next))
        {
            if (next.Value is StoredTensor tensor) yield return new(next.Name, tensor);
            if (next.Value is not IReadOnlyDictionary<string, object?> dictionary || !visited.Add(dictionary)) continue;
            foreach (var (key, value) in dictionary)
                pending.Enqueue((value is StoredTensor or not IReadOnlyDictionary<string, object?> ? next.Name + key
                    : $"{next.Name}{key}/", value));
        }
    }
}
