namespace MLNet.Ssl.Cli.Input;

/// <summary>What a command line says of its data.</summary>
/// <param name="Path">A folder of images, a CSV, TSV or Parquet file, or a folder of embeddings.</param>
/// <param name="Label">Column of the labels; null for "label", where there is one.</param>
/// <param name="Key">Column of the keys; null for that of the paths, "key", or the number of the row.</param>
/// <param name="Image">Column of paths or bytes of images; null for one whose name says it.</param>
/// <param name="Root">Folder that paths start from; null for the file's.</param>
/// <param name="Header">Whether the first line of a CSV or TSV file names the columns; null for yes, unless it holds
/// values, which is refused. Without names columns are called 1, 2 and so on.</param>
/// <param name="Columns">Columns of a table that are learned from; empty for all but label and key.</param>
internal sealed record DataChoice(
    string Path, string? Label = null, string? Key = null, string? Image = null, string? Root = null,
    bool? Header = null, params IReadOnlyList<string> Columns);
