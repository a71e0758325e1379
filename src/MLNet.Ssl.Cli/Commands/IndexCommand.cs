using System.CommandLine;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Embeddings;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Merges embeddings into one index.</summary>
internal static class IndexCommand
{
    private const string Examples = """
        Examples:
          mlssl index embeddings --output photos.index
          mlssl index shard0 shard1 shard2 --output photos.index
          mlssl index vectors.parquet --key id --embedding vector      of another program

        Embeddings that 'mlssl embed' wrote are merged when every row of every shard is there once; else nothing is
        written, and the last line lists what is missing or there twice.
        """;

    public static Command Create(Session session)
    {
        var paths = new Argument<string[]>("embeddings")
        {
            Description = "Folders of Parquet files, or such files",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = Flags.Output("file", "The index", "embeddings.index");
        var key = Flags.Of<string?>("--key", "column", "Column of the keys [key]");
        var vector = Flags.Of<string?>("--embedding", "column", "Column of the vectors [embedding]");
        var command = new TaughtCommand("index", "Merge embeddings into an index to search in.", Examples) { paths,
            output, key, vector };
        var common = new CommonFlags(command, computes: false);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            string file = parsed.GetValue(output)!;
            if (Directory.Exists(file)) throw new UsageException($"--output is '{file}', a folder; expected a file.");
            var set = EmbeddingSet.Open(parsed.GetValue(paths)!);
            EmbeddingIndex? index = null;
            foreach (var rows in set.Read(parsed.GetValue(key), null, parsed.GetValue(vector)))
            {
                session.Token.ThrowIfCancellationRequested();
                index ??= new(rows.Values.Length / rows.Keys.Count);
                for (int row = 0; row < rows.Keys.Count; row++)
                    index.Add(rows.Keys[row], rows.Values.AsSpan(row * index.Dimension, index.Dimension));
            }
            if (index is null) throw new InvalidDataException("There are no rows in the embeddings.");
            index.Save(file);
            session.Result(
                $"indexed {index.Count} rows of {index.Dimension} values ({set.Skipped} were left out when they were "
                + $"embedded): {file}",
                new
                {
                    @event = "done",
                    output = file,
                    rows = index.Count,
                    dimension = index.Dimension,
                    skipped = set.Skipped
                });
            return ExitCode.Done;
        });
        return command;
    }
}
