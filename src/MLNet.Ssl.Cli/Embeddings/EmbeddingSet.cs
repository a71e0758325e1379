namespace MLNet.Ssl.Cli.Embeddings;

/// <summary>Embeddings in Parquet files: all files of all shards, or one file of any program that has keys and
/// vectors.</summary>
internal sealed class EmbeddingSet
{
    private readonly IReadOnlyList<string> _files;

    private EmbeddingSet(IReadOnlyList<string> files, EmbeddingHeader? header, int rows, int skipped) =>
        (_files, Header, Rows, Skipped) = (files, header, rows, skipped);

    /// <summary>What the files say; null for those of another program.</summary>
    public EmbeddingHeader? Header { get; }

    /// <summary>Rows that are there.</summary>
    public int Rows { get; }

    /// <summary>Rows that could not be read when the embeddings were made.</summary>
    public int Skipped { get; }

    public IReadOnlyList<string> Files => _files;

    /// <summary>The Parquet files of folders, and files.</summary>
    public static IReadOnlyList<string> FilesOf(IEnumerable<string> paths) =>
        [.. paths.SelectMany<string, string>(path =>
        Directory.Exists(path) ? Directory.EnumerateFiles(path, "*.parquet").Order(StringComparer.Ordinal)
        : File.Exists(path) ? [path] : throw new FileNotFoundException($"There is no file or folder '{path}'."))];

    /// <summary>Whether a folder has Parquet files in it.</summary>
    public static bool IsFolderOfThem(string path) => Directory.Exists(path)
        && Directory.EnumerateFiles(path, "*.parquet").Any();

    /// <summary>Opens the files of one set, and checks that every row of every shard is there once.</summary>
    /// <exception cref="InvalidDataException">A file is damaged or of another set, or a shard or a part of one is
    /// missing or there twice;
    /// the message lists them.</exception>
    public static EmbeddingSet Open(IEnumerable<string> paths)
    {
        var files = FilesOf(paths);
        if (files.Count == 0) throw new InvalidDataException(
            $"There is no Parquet file in {string.Join(", ", paths)}.");
        var headers = new List<(string Path, EmbeddingHeader? Header, int Rows)>();
        foreach (string path in files)
        {
            using var table = ParquetTable.Open(path);
            headers.Add((path, EmbeddingHeader.Read(table, path), table.Rows));
        }
        var known = headers.Where(file => file.Header is not null).Select(file => (file.Path, Header: file.Header!))
            .ToList();
        if (known.Count == 0) return new(files, null, headers.Sum(file => file.Rows), 0);
        if (known.Count < headers.Count)
            throw new InvalidDataException(
                $"'{headers.First(file => file.Header is null).Path}' is of another program, and "
                + $"'{known[0].Path}' is a shard of embeddings; name those of one set.");
        var first = known[0].Header;
        foreach (var (path, header) in known)
            if (first.Difference(header) is { } difference)
                throw new InvalidDataException(
                    $"'{path}' and '{known[0].Path}' are not of one set: they differ in their {difference}.");
        CheckWhole(known);
        var ordered = known.OrderBy(file => file.Header.FirstRow).ThenBy(file => file.Header.Part).ToList();
        return new([.. ordered.Select(file => file.Path)], first, headers.Sum(file => file.Rows),
            known.Sum(file => file.Header.Skipped.Count));
    }

    /// <summary>The rows, a row group at a time.</summary>
    /// <param name="keyColumn">Column of the keys; null for "key", or the only column of text.</param>
    /// <param name="labelColumn">Column of the labels; null for "label", or none.</param>
    /// <param name="vectorColumn">Column of the vectors; null for "embedding", or the only column of vectors.</param>
    /// <exception cref="InvalidDataException">A column is missing or of another type, or vectors differ in
    /// width.</exception>
    public IEnumerable<EmbeddedRows> Read(string? keyColumn = null, string? labelColumn = null,
        string? vectorColumn = null)
    {
        int width = Header?.Dimension ?? 0;
        foreach (string path in _files)
        {
            using var table = ParquetTable.Open(path);
            string vectors = Column(path, table, vectorColumn, EmbeddingFile.Embedding, "vectors", "--embedding",
                table.IsVector);
            string keys = Column(path, table, keyColumn, EmbeddingFile.Key, "text", "--key", table.IsText);
            string? labels = labelColumn ?? (table.Names.Contains(EmbeddingFile.Label) ? EmbeddingFile.Label : null);
            if (labels is not null && !table.Names.Contains(labels))
                throw new InvalidDataException(
                    $"'{path}' has no column '{labels}'; it has {string.Join(", ", table.Names)}.");
            for (int group = 0; group < table.Groups; group++)
            {
                if (table.RowsOf(group) == 0) continue;
                var (values, dimension) = table.Vectors(vectors, group);
                if (width == 0) width = dimension;
                if (dimension != width)
                    throw new InvalidDataException(
                        $"'{path}', column '{vectors}': vectors of width {dimension}; expected {width}.");
                yield return new([.. table.Texts(keys, group).Select((key, row) => key
                    ?? throw new InvalidDataException($"'{path}', column '{keys}', row {row}: there is no key."))],
                    labels is null ? null : table.Texts(labels, group), values);
            }
        }
    }

    private static string Column(string path, ParquetTable table, string? given, string usual, string kind, string flag,
        Func<string, bool> fits)
    {
        string? name = given ?? (table.Names.Contains(usual) ? usual
            : table.Names.Where(fits).ToList() is [var only] ? only : null);
        if (name is not null && table.Names.Contains(name) && fits(name)) return name;
        throw new InvalidDataException(
            $"'{path}' has no column '{given ?? usual}' of {kind}; it has {string.Join(", ", table.Names)}. "
            + $"Name one with {flag}.");
    }

    private static void CheckWhole(IReadOnlyList<(string Path, EmbeddingHeader Header)> files)
    {
        var faults = new List<string>();
        foreach (var twice in files.GroupBy(file => (file.Header.Shard, file.Header.Part))
            .Where(group => group.Count() > 1))
            faults.Add(
                $"shard {twice.Key.Shard} part {twice.Key.Part} is there twice: "
                + $"{string.Join(", ", twice.Select(file => file.Path))}");
        var first = files[0].Header;
        for (int shard = 0; shard < first.Shards; shard++)
        {
            var parts = files.Where(file => file.Header.Shard == shard).Select(file => file.Header).ToList();
            if (parts.Count == 0) faults.Add($"shard {shard} of {first.Shards} is missing");
            else if (parts.Any(part => part.Parts != parts[0].Parts))
                faults.Add(
                    $"shard {shard} has files of "
                    + $"{string.Join(" and of ", parts.Select(part => part.Parts).Distinct())} parts");
            else
            {
                var missing = Enumerable.Range(0, parts[0].Parts).Except(parts.Select(part => part.Part)).ToList();
                if (missing.Count > 0) faults.Add(
                    $"shard {shard} lacks part {string.Join(", ", missing.Take(8))} of {parts[0].Parts}");
            }
        }
        // Numbers of shards and parts are right: so are rows, unless somebody wrote other headers.
        int row = 0;
        foreach (var (path, header) in files.OrderBy(file => file.Header.FirstRow).ThenBy(file => file.Header.Part))
        {
            if (faults.Count == 0 && header.FirstRow != row)
                faults.Add($"'{path}' begins at row {header.FirstRow}; expected row {row}");
            row = header.EndRow;
        }
        if (faults.Count == 0 && row != first.Rows) faults.Add($"rows from {row} to {first.Rows - 1} are missing");
        if (faults.Count > 0)
            throw new InvalidDataException($"The embeddings are not whole: {string.Join("; ", faults.Take(20))}"
                + (faults.Count > 20 ? $"; and {faults.Count - 20} more" : "") + ".");
    }
}
