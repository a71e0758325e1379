using System.Globalization;
using System.Text;

namespace MLNet.Ssl.Weights;

/// <summary>Dictionary keys as text: numbers in digits, other plain values much as Python prints them.</summary>
internal static class PickleKey
{
    /// <summary>Far above the names of tensors, so that no key costs much by being used again and again.</summary>
    public const int MaxLength = 1024;

    private const int MaxDepth = 8;

    public static string Of(object? key)
    {
        if (key is string text) return text.Length <= MaxLength ? text : throw TooLong();
        var written = new StringBuilder();
        Write(key, written, 0);
        return written.ToString();
    }

    private static void Write(object? value, StringBuilder to, int depth)
    {
        if (depth > MaxDepth) throw TooLong();
        switch (value)
        {
            case null: to.Append("None"); break;
            // Within tuples, as "1" and 1 are two keys.
            case string text: Check(to, text.Length).Append('\'').Append(text).Append('\''); break;
            case byte[] bytes:
                Check(to, bytes.Length).Append("b'").Append(Encoding.Latin1.GetString(bytes))
                .Append('\''); break;
            case double number: to.Append(number.ToString("R", CultureInfo.InvariantCulture)); break;
            case IFormattable number: to.Append(number.ToString(null, CultureInfo.InvariantCulture)); break;
            case bool truth: to.Append(truth ? "True" : "False"); break;
            case object?[] tuple: WriteAll(tuple, to, depth); break;
            case OpaqueValue opaque:
                to.Append(opaque.TypeName);
                if (opaque.State is object?[] state) WriteAll(state, to, depth);
                break;
            default: throw new InvalidDataException("a dictionary has a list or dictionary as a key.");
        }
        Check(to, 0);
    }

    private static void WriteAll(object?[] items, StringBuilder to, int depth)
    {
        to.Append('(');
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0) to.Append(", ");
            Write(items[i], to, depth + 1);
        }
        to.Append(')');
    }

    private static StringBuilder Check(StringBuilder written, int more) =>
        written.Length + more <= MaxLength ? written : throw TooLong();

    private static InvalidDataException TooLong() =>
        new($"a dictionary has a key of more than {MaxLength} characters.");
}
