using MLNet.Ssl.Cli.Arguments;

namespace MLNet.Ssl.Cli.Embeddings;

/// <summary>Writes a shard in parts, so that one that was cut off goes on behind its last whole part.</summary>
internal sealed class ShardWriter
{
    private readonly string _folder;
    private readonly ShardChoice _shard;
    private readonly int _partRows;
    private readonly EmbeddingHeader _set;

    /// <param name="folder">The folder, which may hold other shards; it is made if it is missing.</param>
    /// <param name="shard">Which rows are this process's.</param>
    /// <param name="partRows">Rows of a file.</param>
    /// <param name="set">Model, data, width and rows.</param>
    public ShardWriter(string folder, ShardChoice shard, int partRows, EmbeddingHeader set)
    {
        (_folder, _shard, _partRows) = (folder, shard, partRows);
        int rows = shard.End(set.Rows) - shard.Start(set.Rows), most = Array.MaxLength / set.Dimension;
        if (Math.Min(rows, partRows) > most)
            throw new UsageException(
                $"--rows-per-file is {partRows}; of embeddings of {set.Dimension} values a file takes at most {most}.");
        _set = set with
        {
            Shards = shard.Count,
            Shard = shard.Index,
            Parts = Math.Max(1, (int)((rows + (long)partRows - 1) / partRows))
        };
        Directory.CreateDirectory(folder);
        // What a process that was killed in the middle of a write left.
        foreach (string left in Directory.EnumerateFiles(folder, EmbeddingHeader.Prefix(shard.Index)
            + "*.tmp")) File.Delete(left);
        CheckOthers();
    }

    /// <summary>The parts that are still to be written, in their order.</summary>
    /// <param name="damaged">Is told of a part that cannot be read, and is written anew.</param>
    public IReadOnlyList<EmbeddingHeader> Open(Action<string> damaged)
    {
        var open = new List<EmbeddingHeader>();
        int start = _shard.Start(_set.Rows), end = _shard.End(_set.Rows);
        for (int part = 0; part < _set.Parts; part++)
        {
            int first = start + part * _partRows;
            var header = _set with
            {
                Part = part,
                FirstRow = first,
                EndRow = Math.Min(end, first + _partRows),
                Skipped = []
            };
            if (!IsWritten(header, damaged)) open.Add(header);
        }
        return open;
    }

    public void Write(EmbeddingHeader part, EmbeddedRows rows) =>
        EmbeddingFile.Write(Path.Combine(_folder, part.FileName), rows, part);

    private bool IsWritten(EmbeddingHeader part, Action<string> damaged)
    {
        string path = Path.Combine(_folder, part.FileName);
        if (!File.Exists(path)) return false;
        try
        {
            using var table = ParquetTable.Open(path);
            if (EmbeddingHeader.Read(table, path) is { } header && header.FirstRow == part.FirstRow
                && header.EndRow == part.EndRow) return true;
            damaged($"'{path}' is not the part that it should be, and is written anew.");
        }
        catch (InvalidDataException e)
        {
            damaged($"{e.Message} It is written anew.");
        }
        return false;
    }

    // A folder holds one set: files of another one would be found when the index is made, after all the work.
    private void CheckOthers()
    {
        var files = Directory.EnumerateFiles(_folder, "*.parquet").Order(StringComparer.Ordinal).ToList();
        string own = EmbeddingHeader.Prefix(_shard.Index);
        foreach (string path in files.Where(path => Path.GetFileName(path).StartsWith(own, StringComparison.Ordinal))
            .Concat(files.Take(1)))
        {
            EmbeddingHeader? header;
            try
            {
                using var table = ParquetTable.Open(path);
                header = EmbeddingHeader.Read(table, path);
            }
            catch (InvalidDataException)
            {
                continue;
            }
            string? difference = header is null ? "program" : _set.Difference(header)
                ?? (header.Shard == _set.Shard && header.Parts != _set.Parts ? "rows of a part" : null);
            if (difference is not null)
                throw new InvalidDataException(
                    $"'{path}' is of another set, as its {difference} tells; take another folder, or delete its "
                    + $"files.");
        }
    }
}
