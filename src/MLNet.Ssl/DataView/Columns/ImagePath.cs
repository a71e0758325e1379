using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>
/// The file that a row's image came from, as far as its columns of text tell: an image column itself does not know.
/// </summary>
internal static class ImagePath
{
    public static IEnumerable<DataViewSchema.Column> Columns(DataViewSchema schema) =>
        schema.Where(column => column.Type is TextDataViewType && !column.IsHidden);

    /// <summary>Reads the path; null where there is none.</summary>
    public static Func<string?> Reader(DataViewRow row)
    {
        var getters = Columns(row.Schema).Where(row.IsColumnActive)
            .Select(column => row.GetGetter<ReadOnlyMemory<char>>(column)).ToArray();
        return () =>
        {
            string[] texts = [.. getters.Select(Text)];
            return texts.FirstOrDefault(File.Exists) ?? texts.FirstOrDefault(Path.HasExtension);
        };

        static string Text(ValueGetter<ReadOnlyMemory<char>> getter)
        {
            ReadOnlyMemory<char> text = default;
            getter(ref text);
            return text.ToString();
        }
    }
}
