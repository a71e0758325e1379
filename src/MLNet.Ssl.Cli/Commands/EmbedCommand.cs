using System.CommandLine;
using System.Globalization;
using MLNet.Ssl.Cli.Arguments;
using MLNet.Ssl.Cli.Embeddings;
using MLNet.Ssl.Cli.Input;
using MLNet.Ssl.Cli.Models;
using MLNet.Ssl.Cli.Terminal;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>Embeds rows into Parquet files, alone or as one of several processes.</summary>
internal static class EmbedCommand
{
    private const string Examples = """
        Examples:
          mlssl embed photos --model photos.mlssl --output embeddings
          mlssl embed photos --model dinov2_vits14 --download --output embeddings
          mlssl embed photos --model photos.mlssl --output embeddings --shard 3/8  the fourth of eight
          mlssl embed photos --model photos.mlssl --output embeddings --shards 8   JOB_COMPLETION_INDEX says which
          mpirun -n 8 mlssl embed photos --model photos.mlssl --output embeddings     the launcher says which

        The output is a folder of Parquet files with the columns key, label (where there are labels) and embedding. A
        file is written whole or not at all: run the same command again after a crash, and it goes on behind the last
        file. All shards write into one folder, or into folders of their own; 'mlssl index' and 'mlssl evaluate' check
        that no row is missing or there twice.
        """;

    public static Command Create(Session session)
    {
        var path = new Argument<string>("data") { Description = "Folder of images, or a file .csv, .tsv or .parquet" };
        var output = Flags.Output("folder", "Folder of the Parquet files", "embeddings");
        var shard = Flags.Of<string?>("--shard", "i/n",
            "Which part of the rows this process embeds, from 0 [JOB_COMPLETION_INDEX of --shards, the rank under "
                + "mpirun or srun, or all]");
        var shards = Flags.Of<int?>("--shards", "n",
            "Number of processes, where the environment says which one this is");
        var rows = Flags.Of("--rows-per-file", "rows",
            "Rows of a file: what is done again after a crash, at most", 16_384);
        var command = new TaughtCommand("embed", "Embed images or rows of a table, into Parquet files.", Examples)
        {
            path, output, shard, shards, rows,
        };
        var model = new ModelFlags(command, required: true, reads: true, skips: true);
        var data = new DataFlags();
        data.AddTo(command);
        var common = new CommonFlags(command, computes: true);
        Flags.AtLeast(rows, 1);
        Flags.AtLeast(shards, 1);
        command.SetAction(parsed =>
        {
            common.Apply(parsed, session);
            var which = ShardChoice.Of(parsed.GetValue(shard), parsed.GetValue(shards),
                Environment.GetEnvironmentVariable("JOB_COMPLETION_INDEX"), ShardChoice.OfWorld);
            using var encoder = model.Load(parsed, common.Context(parsed, session), session);
            var source = RowSource.Open(Embedder.ColumnsFor(encoder, data.Choice(parsed, parsed.GetValue(path)!)));
            return Run(session, encoder, source, which, parsed.GetValue(output)!, parsed.GetValue(rows));
        });
        return command;
    }

    private static int Run(Session session, LoadedModel model, RowSource source, ShardChoice shard, string folder,
        int partRows)
    {
        if (Path.HasExtension(folder) && !Directory.Exists(folder))
            throw new UsageException(
                $"--output is '{folder}'; expected a folder, which receives one or more Parquet files.");
        var set = new EmbeddingHeader(model.Fingerprint, source.Fingerprint(), model.Encoder.Encoder.EmbeddingDimension,
            source.Count, 1, 0, 1, 0, 0, 0, []);
        var writer = new ShardWriter(folder, shard, partRows, set);
        var open = writer.Open(session.Warn);
        int total = shard.End(source.Count) - shard.Start(source.Count),
            left = open.Sum(part => part.EndRow - part.FirstRow);
        if (shard.Source is { } told)
            session.Say(string.Create(CultureInfo.InvariantCulture,
                $"shard {shard.Index} of {shard.Count} ({told}): {total:N0} of {source.Count:N0} rows"));
        if (left < total) session.Say(string.Create(CultureInfo.InvariantCulture,
            $"{total - left:N0} rows are there already; going on with {left:N0}"));
        var display = new RowsDisplay(session, left);
        int skippedRows = 0;
        foreach (var part in open)
        {
            session.Token.ThrowIfCancellationRequested();
            try
            {
                var (rows, skipped) = Embedder.Embed(model, source, part.FirstRow, part.EndRow, session, display);
                writer.Write(part with { Skipped = skipped }, rows);
                skippedRows += skipped.Count;
            }
            catch (OperationCanceledException e)
            {
                throw new OperationCanceledException(
                    $"{part.Part} of {part.Parts} files of this shard are written; the same command goes on behind "
                    + "them.", e);
            }
        }
        display.End();
        session.Result($"embedded {left - skippedRows} rows, left out {skippedRows}: {folder}", new
        {
            @event = "done",
            output = folder,
            shard = shard.Index,
            shards = shard.Count,
            rows = left - skippedRows,
            skipped = skippedRows,
            wereThere = total - left,
            dimension = set.Dimension,
        });
        return ExitCode.Done;
    }
}
