using System.Globalization;
using MLNet.Ssl.Files;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace MLNet.Ssl.Cli.Embeddings;

/// <summary>A Parquet file as columns, a row group at a time.</summary>
internal sealed class ParquetTable : IDisposable
{
    private readonly ParquetReader _reader;
    private readonly DataField[] _fields;
    private readonly string _path;

    private ParquetTable(string path, ParquetReader reader)
    {
        (_path, _reader) = (path, reader);
        // Columns of values, and lists of them; what is nested deeper is not read.
        _fields = [.. reader.Schema.GetDataFields().Where(field => field.MaxRepetitionLevel <= 1
            && (field.Path.Length == 1 || reader.Schema.Fields.Any(top => top is ListField
                && top.Name == field.Path[0])))];
        Rows = Guard(() => checked((int)Enumerable.Range(0, reader.RowGroupCount).Sum(RowsOf)));
    }

    /// <summary>How a Parquet file begins and ends.</summary>
    public static ReadOnlySpan<byte> Magic => "PAR1"u8;

    /// <summary>Rows in all.</summary>
    public int Rows { get; }

    public int Groups => _reader.RowGroupCount;

    public IEnumerable<string> Names => _fields.Select(column => column.Path[0]);

    public IReadOnlyDictionary<string, string> Metadata => _reader.CustomMetadata;

    /// <summary>Opens a file.</summary>
    /// <exception cref="InvalidDataException">It is damaged or no Parquet file.</exception>
    public static ParquetTable Open(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file '{path}'.");
        ParquetReader? reader = null;
        try
        {
            using (var file = File.OpenRead(path)) GitLfsPointer.Refuse(file);
            reader = ParquetReader.CreateAsync(path).GetAwaiter().GetResult();
            return new(path, reader);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Close(reader);
            throw Damaged(path, e);
        }
    }

    public long RowsOf(int group)
    {
        using var rows = _reader.OpenRowGroupReader(group);
        return rows.RowCount;
    }

    /// <summary>Whether a column holds a list of numbers in every row.</summary>
    public bool IsVector(string name) => Find(name) is { MaxRepetitionLevel: 1 } field && IsNumber(field.ClrType);

    public bool IsNumber(string name) => Find(name) is { MaxRepetitionLevel: 0 } field && IsNumber(field.ClrType);

    public bool IsText(string name) => Find(name) is { MaxRepetitionLevel: 0 } field
        && field.ClrType == typeof(ReadOnlyMemory<char>);

    public bool IsBytes(string name) => Find(name) is { MaxRepetitionLevel: 0 } field
        && field.ClrType == typeof(ReadOnlyMemory<byte>);

    /// <summary>Numbers of a row group; NaN where there is none.</summary>
    public float[] Numbers(string name, int group) => Read(group, name, (rows, field) =>
    {
        using var raw = rows.ReadRawColumnDataBaseAsync(field).AsTask().GetAwaiter().GetResult();
        return Spread(ToSingle(raw), raw, field, rows.RowCount, float.NaN);
    });

    /// <summary>Text of a row group, also of numbers; null where there is none.</summary>
    public string?[] Texts(string name, int group) => Read(group, name, (rows, field) =>
    {
        if (field.ClrType == typeof(ReadOnlyMemory<char>))
        {
            var texts = new string?[rows.RowCount];
            rows.ReadAsync(field, texts.AsMemory()).AsTask().GetAwaiter().GetResult();
            return texts;
        }
        using var raw = rows.ReadRawColumnDataBaseAsync(field).AsTask().GetAwaiter().GetResult();
        return Spread(ToText(raw), raw, field, rows.RowCount, null);
    });

    /// <summary>Bytes of a row group; null where there are none.</summary>
    public byte[]?[] Bytes(string name, int group) => Read(group, name, (rows, field) =>
    {
        var bytes = new byte[]?[rows.RowCount];
        rows.ReadAsync(field, bytes.AsMemory()).AsTask().GetAwaiter().GetResult();
        return bytes;
    });

    /// <summary>Vectors of a row group, one after the other, all of one width.</summary>
    public (float[] Values, int Dimension) Vectors(string name, int group) => Read(group, name, (rows, field) =>
    {
        using var raw = rows.ReadRawColumnDataBaseAsync(field).AsTask().GetAwaiter().GetResult();
        var values = ToSingle(raw);
        if (rows.RowCount == 0) return (values, 0);
        int dimension = (int)(values.Length / rows.RowCount);
        bool even = dimension > 0 && values.Length == dimension * rows.RowCount
            && raw.RepetitionLevels.Length == values.Length
            && raw.DefinitionLevels.Count(field.MaxDefinitionLevel) == values.Length;
        for (int i = 0; even && i < values.Length; i++) even = raw.RepetitionLevels[i] == 0 == (i % dimension == 0);
        return even ? (values, dimension)
            : throw new InvalidDataException(
                $"column '{name}' has vectors of several widths, or rows without one; expected one width.");
    });

    public void Dispose() => Close(_reader);

    private DataField? Find(string name) => _fields.FirstOrDefault(field => field.Path[0] == name);

    private T Read<T>(int group, string name, Func<ParquetRowGroupReader, DataField, T> read) => Guard(() =>
    {
        using var rows = _reader.OpenRowGroupReader(group);
        return read(rows, Find(name) ?? throw new InvalidDataException($"it has no column '{name}'."));
    });

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw Damaged(_path, e);
        }
    }

    // Values stand without gaps: the definition level says where there is one.
    private static T[] Spread<T>(T[] values, RawColumnData raw, DataField field, long rows, T missing)
    {
        if (field.MaxDefinitionLevel == 0 && values.Length == rows) return values;
        var levels = raw.DefinitionLevels;
        if (levels.Length != rows
            || levels.Count(field.MaxDefinitionLevel) > values.Length) throw new InvalidDataException(
            $"column '{field.Path[0]}' has {levels.Length} values for {rows} rows.");
        var spread = new T[rows];
        int next = 0;
        for (int row = 0; row < rows; row++) spread[row] = levels[row] == field.MaxDefinitionLevel ? values[next++]
            : missing;
        return spread;
    }

    private static bool IsNumber(Type type) => Type.GetTypeCode(type)
        is >= TypeCode.Boolean and <= TypeCode.Double and not TypeCode.Char;

    private static float[] ToSingle(RawColumnData raw) => raw switch
    {
        RawColumnData<float> values => values.Values.ToArray(),
        RawColumnData<double> values => [.. values.Values.ToArray().Select(value => (float)value)],
        RawColumnData<int> values => [.. values.Values.ToArray().Select(value => (float)value)],
        RawColumnData<long> values => [.. values.Values.ToArray().Select(value => (float)value)],
        RawColumnData<bool> values => [.. values.Values.ToArray().Select(value => value ? 1f : 0)],
        RawColumnData<short> values => [.. values.Values.ToArray().Select(value => (float)value)],
        RawColumnData<ushort> values => [.. values.Values.ToArray().Select(value => (float)value)],
        RawColumnData<sbyte> values => [.. values.Values.ToArray().Select(value => (float)value)],
        RawColumnData<byte> values => [.. values.Values.ToArray().Select(value => (float)value)],
        RawColumnData<uint> values => [.. values.Values.ToArray().Select(value => (float)value)],
        RawColumnData<ulong> values => [.. values.Values.ToArray().Select(value => (float)value)],
        _ => throw new InvalidDataException(
            $"its values are {raw.GetType().GetGenericArguments()[0].Name}; expected numbers."),
    };

    private static string?[] ToText(RawColumnData raw) => raw switch
    {
        RawColumnData<double> values => Text(values.Values),
        RawColumnData<float> values => Text(values.Values),
        RawColumnData<int> values => Text(values.Values),
        RawColumnData<long> values => Text(values.Values),
        RawColumnData<short> values => Text(values.Values),
        RawColumnData<byte> values => Text(values.Values),
        RawColumnData<sbyte> values => Text(values.Values),
        RawColumnData<ushort> values => Text(values.Values),
        RawColumnData<uint> values => Text(values.Values),
        RawColumnData<ulong> values => Text(values.Values),
        RawColumnData<bool> values => [.. values.Values.ToArray().Select(value => value ? "true" : "false")],
        _ => throw new InvalidDataException(
            $"its values are {raw.GetType().GetGenericArguments()[0].Name}; expected text or numbers."),
    };

    private static string?[] Text<T>(ReadOnlySpan<T> values) where T : IFormattable =>
        [.. values.ToArray().Select(value => value.ToString(null, CultureInfo.InvariantCulture))];

    private static void Close(ParquetReader? reader) => reader?.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static InvalidDataException Damaged(string path, Exception e) =>
        new($"'{path}' is damaged or no Parquet file that can be read: {e.Message}", e);
}
