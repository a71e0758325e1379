using System.CommandLine;
using MLNet.Ssl.Cli.Input;

namespace MLNet.Ssl.Cli.Commands;

/// <summary>The flags that say what a data file's columns are.</summary>
internal sealed class DataFlags
{
    private readonly Option<string?> _label = new("--label")
    {
        Description = "Column of the labels [a column 'label', where there is one; of a folder, the folders in it]",
        HelpName = "column",
    };
    private readonly Option<string?> _key = new("--key")
    {
        Description =
            "Column of the keys that rows go by [that of the paths, 'key' or 'id', else the number of the row]",
        HelpName = "column",
    };
    private readonly Option<string?> _image = new("--image")
    {
        Description =
            "Column of the images: paths, or the bytes of files [one named image, path, file, filename or bytes]",
        HelpName = "column",
    };
    private readonly Option<string?> _root = new("--image-root")
    {
        Description = "Folder that paths start from [that of the file]",
        HelpName = "folder",
    };
    private readonly Option<string?> _columns = new("--columns")
    {
        Description = "Columns of a table to learn from [all but label and key]",
        HelpName = "a,b,…",
    };

    public void AddTo(Command command)
    {
        foreach (var option in new[] { _label, _key, _image, _root, _columns }) command.Add(option);
    }

    public DataChoice Choice(ParseResult parsed, string path) =>
        new(path, parsed.GetValue(_label), parsed.GetValue(_key),
        parsed.GetValue(_image), parsed.GetValue(_root),
        [.. parsed.GetValue(_columns)?.Split(',',
            StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? []]);
}
