using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Cli.Input;

/// <summary>Rows of images, which the library decodes when it needs them.</summary>
internal abstract record ImageSource(string Path, IReadOnlyList<string> Keys, IReadOnlyList<string?>? Labels)
    : RowSource(Path, Keys, Labels)
{
    /// <summary>All rows as ML.NET sees them: paths or bytes of image files, and labels.</summary>
    public IDataView View(MLContext context) => View(context, 0, Count, ImageRow.Column);

    /// <summary>The rows from one to before another.</summary>
    /// <param name="column">The name of the column of images.</param>
    public abstract IDataView View(MLContext context, int from, int to, string column);

    protected static IDataView View<TRow>(MLContext context, IEnumerable<TRow> rows, string column) where TRow : class
    {
        var schema = SchemaDefinition.Create(typeof(TRow));
        schema[nameof(ImageRow.Image)].ColumnName = column;
        return context.Data.LoadFromEnumerable(rows, schema);
    }
}

/// <summary>Image files by their paths.</summary>
internal sealed record ImagePaths(string Path, IReadOnlyList<string> Keys, IReadOnlyList<string?>? Labels,
    IReadOnlyList<string> Paths) : ImageSource(Path, Keys, Labels)
{
    /// <summary>Files that a table names, from its folder on if nothing else is said.</summary>
    /// <param name="keys">Null: the paths as they stand there.</param>
    public static ImagePaths Of(DataChoice choice, IReadOnlyList<string> paths, IReadOnlyList<string>? keys,
        IReadOnlyList<string?>? labels)
    {
        string root = choice.Root ?? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(choice.Path))!;
        return new(choice.Path, keys ?? paths, labels, [.. paths.Select(path => System.IO.Path.Combine(root, path))]);
    }

    public override IDataView View(MLContext context, int from, int to, string column) =>
        View(context, Enumerable.Range(from, to - from)
            .Select(row => new ImageRow { Image = Paths[row], Label = Labels?[row] ?? "" }), column);
}

/// <summary>Image files as bytes in another file.</summary>
/// <param name="Read">The files from a row to before another; null where a row has none.</param>
internal sealed record ImageBytes(string Path, IReadOnlyList<string> Keys, IReadOnlyList<string?>? Labels,
    Func<int, int, IEnumerable<byte[]?>> Read) : ImageSource(Path, Keys, Labels)
{
    public override IDataView View(MLContext context, int from, int to, string column) =>
        View(context, Read(from, to).Select((bytes, i) => new ImageBytesRow
        {
            Image = bytes,
            Label = Labels?[from + i] ?? "",
            Place = $"{Path}, row {from + i}",
        }), column);
}
