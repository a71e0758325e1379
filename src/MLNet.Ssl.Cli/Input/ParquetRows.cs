using Microsoft.Data.Analysis;
using MLNet.Ssl.Cli.Embeddings;
using MLNet.Ssl.ImageFiles;

namespace MLNet.Ssl.Cli.Input;

/// <summary>Parquet files: paths or bytes of images, or a table of numbers and words.</summary>
internal static class ParquetRows
{
    public static RowSource Open(DataChoice choice)
    {
        using var table = ParquetTable.Open(choice.Path);
        var names = table.Names.ToList();
        var columns = Columns.Of(choice, names, name => table.IsBytes(name)
            || (table.IsText(name) && table.Groups > 0 && table.Texts(name, 0).Take(20)
                .All(text => text is not null && ImageFolder.IsImage(text))));
        var labels = columns.Label is null ? null : Texts(table, columns.Label).ToList();
        var keys = columns.Key is null ? null : Texts(table, columns.Key).Select((key, row) => key
            ?? throw new InvalidDataException($"'{choice.Path}', column '{columns.Key}', row {row}: there is no key."))
                .ToList();
        if (columns.Image is { } image) return Images(choice, table, image, keys, labels);
        var frame = new DataFrame([.. columns.Features.Select(name => Column(choice, table, name))]);
        return new TableSource(choice.Path, keys ?? RowSource.Numbered(table.Rows), labels, frame);
    }

    private static ImageSource Images(DataChoice choice, ParquetTable table, string column, List<string>? keys,
        List<string?>? labels)
    {
        if (table.IsText(column))
        {
            var paths = Texts(table, column).Select((path, row) => path
                ?? throw new InvalidDataException($"'{choice.Path}', column '{column}', row {row}: there is no path."))
                    .ToList();
            return ImagePaths.Of(choice, paths, keys, labels);
        }
        if (!table.IsBytes(column))
            throw new InvalidDataException(
                $"'{choice.Path}', column '{column}' is neither text (paths of images) nor bytes (images).");
        return new ImageBytes(choice.Path, keys ?? RowSource.Numbered(table.Rows), labels,
            (from, to) => Read(choice.Path, column, from, to));
    }

    // A row group at a time: files of images are larger than memory.
    private static IEnumerable<byte[]?> Read(string path, string column, int from, int to)
    {
        using var table = ParquetTable.Open(path);
        int start = 0;
        for (int group = 0; group < table.Groups && start < to; group++)
        {
            int rows = (int)table.RowsOf(group);
            if (start + rows > from)
            {
                var images = table.Bytes(column, group);
                for (int row = Math.Max(from, start); row < Math.Min(to, start + rows); row++)
                    yield return images[row - start];
            }
            start += rows;
        }
    }

    private static DataFrameColumn Column(DataChoice choice, ParquetTable table, string name)
    {
        if (table.IsNumber(name))
        {
            var numbers = Enumerable.Range(0, table.Groups).SelectMany(group => table.Numbers(name, group))
                .Select(value => float.IsNaN(value) ? (float?)null : value).ToList();
            TextTable.CheckFinite(choice, name, numbers);
            return new SingleDataFrameColumn(name, numbers);
        }
        if (!table.IsText(name))
            throw new InvalidDataException($"'{choice.Path}', column '{name}' is neither of numbers nor of text. "
                + "Name the columns to learn from with --columns.");
        var words = Texts(table, name).Select(word => word ?? "").ToList();
        TextTable.CheckWords(choice, name, words);
        return new StringDataFrameColumn(name, words);
    }

    private static IEnumerable<string?> Texts(ParquetTable table, string name) =>
        Enumerable.Range(0, table.Groups).SelectMany(group => table.Texts(name, group));
}
