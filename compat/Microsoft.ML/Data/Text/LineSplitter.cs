using System.Text;

namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>Cuts text into rows of fields.</summary>
internal sealed class LineSplitter(TextLoader.Options options)
{
    /// <summary>The rows of all files, with the number of the line they begin on; headers and empty lines left out.</summary>
    public IEnumerable<(long Line, ReadOnlyMemory<char>[] Fields)> Rows(IMultiStreamSource source, bool skipHeader)
    {
        for (var file = 0; file < source.Count; file++)
        {
            using var reader = source.OpenTextReader(file);
            if (skipHeader) ReadRow(reader);
            for (long line = skipHeader ? 2 : 1; ReadRow(reader) is { } text; line++)
            {
                if (options.TrimWhitespace) text = text.TrimEnd();
                if (text.Length > 0) yield return (line, Split(text));
            }
        }
    }

    public ReadOnlyMemory<char>[] FirstRow(IMultiStreamSource source, bool skipHeader)
        => source == null ? null : Rows(source, skipHeader).Select(r => r.Fields).FirstOrDefault();

    /// <summary>A line, or several where a quoted field goes on.</summary>
    private string ReadRow(TextReader reader)
    {
        var text = reader.ReadLine();
        if (!options.ReadMultilines || !options.AllowQuoting) return text;
        while (text != null && text.Count(c => c == '"') % 2 == 1 && reader.ReadLine() is { } more) text += "\n" + more;
        return text;
    }

    private ReadOnlyMemory<char>[] Split(string text)
    {
        var fields = new List<ReadOnlyMemory<char>>();
        for (var at = 0; ;)
        {
            var start = at;
            if (options.AllowQuoting)
                while (start < text.Length && text[start] == ' ' && !options.Separators.Contains(' ')) start++;
            if (options.AllowQuoting && start < text.Length && text[start] == '"') fields.Add(Quoted(text, start + 1, out at));
            var end = text.AsSpan(at).IndexOfAny(options.Separators);
            end = end < 0 ? text.Length : at + end;
            // What follows a closing quote up to the separator is no part of the field.
            if (at <= start) fields.Add(text.AsMemory(at, end - at));
            if (end == text.Length) return [.. fields];
            at = end + 1;
        }
    }

    private ReadOnlyMemory<char> Quoted(string text, int at, out int after)
    {
        var content = new StringBuilder();
        for (; at < text.Length; at++)
        {
            var isEscape = text[at] == options.EscapeChar && at + 1 < text.Length && text[at + 1] == '"';
            if (isEscape) at++;
            else if (text[at] == '"') break;
            content.Append(text[at]);
        }
        after = Math.Min(at + 1, text.Length);
        return content.ToString().AsMemory();
    }
}
