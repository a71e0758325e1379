using System.Globalization;
using System.Numerics;

namespace Microsoft.ML;

using Microsoft.ML.Data;

internal delegate bool TryParse<T>(ReadOnlyMemory<char> text, out T value);

/// <summary>Fields of text as values. An empty field is the type's default; of numbers only reals can be missing (NaN).</summary>
internal sealed class FieldParsers(TextLoader.Options options)
{
    private static readonly string[] Missing = ["?", "NaN", "NA", "N/A"];
    private static readonly string[] True = ["1", "+1", "+", "true", "t", "yes", "y"];
    private static readonly string[] False = ["0", "-1", "-", "false", "f", "no", "n"];

    private readonly NumberFormatInfo _format = new()
    {
        NumberDecimalSeparator = options.DecimalMarker.ToString(),
        NumberGroupSeparator = options.DecimalMarker == '.' ? "," : "."
    };

    public TryParse<T> For<T>(BoundColumn column)
    {
        if (column.ItemType is KeyDataViewType key) return Defaulted((TryParse<T>)Generic.Call(Key<uint>, typeof(T), key.Count));
        return column.Kind switch
        {
            DataKind.String => (TryParse<T>)(Delegate)new TryParse<ReadOnlyMemory<char>>(Text),
            DataKind.Single => (TryParse<T>)(Delegate)new TryParse<float>(Single),
            DataKind.Double => (TryParse<T>)(Delegate)new TryParse<double>(Double),
            DataKind.Boolean => Defaulted((TryParse<T>)(Delegate)new TryParse<bool>(Boolean)),
            _ => Defaulted((TryParse<T>)Generic.Call(Parsable<int>, typeof(T), 0))
        };
    }

    private static TryParse<T> Defaulted<T>(TryParse<T> parse) => (ReadOnlyMemory<char> text, out T value) =>
    {
        value = default;
        return text.Span.IsWhiteSpace() || parse(text, out value);
    };

    private static bool Text(ReadOnlyMemory<char> text, out ReadOnlyMemory<char> value)
    {
        value = text;
        return true;
    }

    // What is no real number is missing too.
    private bool Double(ReadOnlyMemory<char> text, out double value)
    {
        if (text.Span.IsWhiteSpace()) value = options.MissingRealsAsNaNs ? double.NaN : 0;
        else if (IsOneOf(text, Missing) || !double.TryParse(text.Span, NumberStyles.Float, _format, out value)) value = double.NaN;
        return true;
    }

    private bool Single(ReadOnlyMemory<char> text, out float value)
    {
        if (text.Span.IsWhiteSpace()) value = options.MissingRealsAsNaNs ? float.NaN : 0;
        else if (IsOneOf(text, Missing) || !float.TryParse(text.Span, NumberStyles.Float, _format, out value)) value = float.NaN;
        return true;
    }

    private static bool Boolean(ReadOnlyMemory<char> text, out bool value)
    {
        value = IsOneOf(text, True);
        return value || IsOneOf(text, False);
    }

    private static Delegate Parsable<T>(int _) where T : ISpanParsable<T>
        => (TryParse<T>)((ReadOnlyMemory<char> text, out T value) => T.TryParse(text.Span.Trim(), CultureInfo.InvariantCulture, out value));

    // In the file keys count from 0; what is no key is missing.
    private static Delegate Key<T>(ulong count) where T : IBinaryInteger<T> => (TryParse<T>)((ReadOnlyMemory<char> text, out T value) =>
    {
        value = ulong.TryParse(text.Span.Trim(), CultureInfo.InvariantCulture, out var key) && key < count ? T.CreateTruncating(key + 1) : T.Zero;
        return true;
    });

    private static bool IsOneOf(ReadOnlyMemory<char> text, string[] tokens)
    {
        foreach (var token in tokens)
            if (text.Span.Trim().Equals(token, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }
}
