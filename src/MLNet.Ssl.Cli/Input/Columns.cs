namespace MLNet.Ssl.Cli.Input;

/// <summary>Which column of a file is what.</summary>
/// <param name="Label">The labels; null for none.</param>
/// <param name="Key">The keys; null for the number of the row.</param>
/// <param name="Image">Paths or bytes of images; null for a table.</param>
/// <param name="Features">What is learned from.</param>
internal sealed record Columns(string? Label, string? Key, string? Image, IReadOnlyList<string> Features)
{
    private static readonly string[] ImageNames =
        ["image", "path", "file", "filename", "image_path", "filepath", "file_path", "bytes", "jpg"];

    /// <summary>Chooses among the columns of a file.</summary>
    /// <param name="names">All of them.</param>
    /// <param name="isImage">Whether a column can hold images: paths, or bytes.</param>
    /// <exception cref="InvalidDataException">A column that is named is not there.</exception>
    public static Columns Of(DataChoice choice, IReadOnlyList<string> names, Func<string, bool> isImage)
    {
        string Require(string name) => names.Contains(name) ? name
            : throw new InvalidDataException(
                $"'{choice.Path}' has no column '{name}'; it has {string.Join(", ", names)}.");
        string? Usual(params string[] usual) =>
            names.FirstOrDefault(name => usual.Contains(name, StringComparer.OrdinalIgnoreCase));

        string? label = choice.Label is { } told ? Require(told) : Usual("label", "class");
        string? image = choice.Image is { } named ? Require(named)
            : choice.Columns.Count > 0 ? null
            : names.FirstOrDefault(name => ImageNames.Contains(name, StringComparer.OrdinalIgnoreCase)
                && isImage(name));
        string? key = choice.Key is { } given ? Require(given) : Usual("key", "id");
        var features = choice.Columns.Count > 0 ? [.. choice.Columns.Select(Require)]
            : names.Where(name => name != label && name != key).ToList();
        return new(label, key, image, features);
    }
}
