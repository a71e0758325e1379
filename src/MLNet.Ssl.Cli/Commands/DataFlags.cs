using System.CommandLine;
using MLNet.Ssl.Cli.Input;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>The flags that say what a data file's columns are.</summary>
internal sealed class DataFlags
{
    private readonly Option<string?> _label = Flags.Of<string?>("--label", "column",
        "Column of the labels [a column 'label', where there is one; of a folder, the folders in it]");
    private readonly Option<string?> _key = Flags.Of<string?>("--key", "column",
        "Column of the keys that rows go by [that of the paths, 'key' or 'id', else the number of the row]");
    private readonly Option<string?> _image = Flags.Of<string?>("--image", "column",
        "Column of the images: paths, or the bytes of files [one named image, path, file, filename or bytes]");
    private readonly Option<string?> _root = Flags.Of<string?>("--image-root", "folder",
        "Folder that paths start from [that of the file]");
    private readonly Option<bool?> _header = Flags.Of<bool?>("--header", "true|false",
        "Whether the first line of a CSV or TSV file names the columns; without names they are called 1, 2, … "
            + "[true; a first line that holds values is refused]");
    private readonly Option<string?> _columns = Flags.Of<string?>("--columns", "a,b,…",
        "Columns of a table to learn from [all but label and key]");

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _label, _key, _image, _root, _columns, _header }) command.Add(option);
    }

    public DataChoice Choice(ParseResult parsed, string path) =>
        new(path, parsed.GetValue(_label), parsed.GetValue(_key),
        parsed.GetValue(_image), parsed.GetValue(_root), parsed.GetValue(_header),
        [.. parsed.GetValue(_columns)?.Split(',',
            StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? []]);
}
