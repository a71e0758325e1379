namespace Microsoft.ML.Data;

/// <summary>Reads delimited text lazily, line by line, in order.</summary>
public sealed class TextLoader : IDataLoader<IMultiStreamSource>
{
    private readonly Options _options;
    private readonly BoundColumn[] _columns;
    private readonly DataViewSchema _schema;

    internal TextLoader(Options options, IMultiStreamSource dataSample)
    {
        if (options.AllowSparse) throw new NotSupportedException("Sparse text is not supported here");
        if (options.Separators is not { Length: > 0 }) throw new ArgumentException("A separator is needed", nameof(options));
        _options = options;
        var splitter = new LineSplitter(options);
        var header = options.HasHeader || options.HeaderFile != null
            ? splitter.FirstRow(options.HeaderFile == null ? dataSample : new MultiFileSource(options.HeaderFile), skipHeader: false) : null;
        var inputSize = new Lazy<int>(() => options.InputSize ?? (header ?? splitter.FirstRow(dataSample, options.HasHeader))?.Length
            ?? throw new ArgumentException("A column up to the end of the line needs InputSize or a sample of the data", nameof(options)));
        var columns = options.Columns ?? [new Column("Label", DataKind.Single, 0), new Column("Features", DataKind.Single, [new Range(1, null)])];
        _columns = Array.ConvertAll(columns, c => new BoundColumn(c, inputSize));
        var builder = new DataViewSchema.Builder();
        foreach (var column in _columns) builder.AddColumn(column.Name, column.Type, column.Annotations(header));
        _schema = builder.ToSchema();
    }

    public DataViewSchema GetOutputSchema() => _schema;

    public IDataView Load(IMultiStreamSource source) => new TextView(source ?? throw new ArgumentNullException(nameof(source)), _options, _schema, _columns);

    void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException("Loaders are not saved here; save the transformers with the input schema");

    public sealed class Column
    {
        public string Name;
        public Range[] Source;
        public KeyCount KeyCount;

        public Column() { }

        public Column(string name, DataKind dataKind, int index) : this(name, dataKind, [new Range(index)]) { }

        public Column(string name, DataKind dataKind, int minIndex, int maxIndex) : this(name, dataKind, [new Range(minIndex, maxIndex)]) { }

        public Column(string name, DataKind dataKind, Range[] source, KeyCount keyCount = null)
            => (Name, DataKind, Source, KeyCount) = (name ?? throw new ArgumentNullException(nameof(name)), dataKind,
                source ?? throw new ArgumentNullException(nameof(source)), keyCount);

        public DataKind DataKind { get; set; } = DataKind.Single;
    }

    public sealed class Range
    {
        public int Min;
        public int? Max;
        public bool AutoEnd;
        public bool VariableEnd;
        public bool AllOther;
        public bool ForceVector;

        public Range() { }

        public Range(int index) : this(index, index) { }

        public Range(int min, int? max)
        {
            if (min < 0 || max < min) throw new ArgumentOutOfRangeException(nameof(max), $"Not a range of columns: {min} to {max}");
            (Min, Max, AutoEnd) = (min, max, max == null);
        }
    }

    public class Options
    {
        public bool AllowQuoting;
        public bool AllowSparse;
        public int? InputSize;
        public char[] Separators = ['\t'];
        public char DecimalMarker = '.';
        public Column[] Columns;
        public bool TrimWhitespace;
        public bool HasHeader;
        public bool UseThreads = true;
        public bool ReadMultilines;
        public string HeaderFile;
        public long? MaxRows;
        public char EscapeChar = '"';
        public bool MissingRealsAsNaNs;
    }
}
