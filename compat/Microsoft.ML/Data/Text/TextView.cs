namespace Microsoft.ML;

using Microsoft.ML.Data;

internal sealed class TextView(IMultiStreamSource source, TextLoader.Options options, DataViewSchema schema, BoundColumn[] columns) : IDataView
{
    public bool CanShuffle => false;
    public DataViewSchema Schema => schema;
    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => new Cursor(source, options, schema, columns, columnsNeeded);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded)];

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly IEnumerator<(long Line, ReadOnlyMemory<char>[] Fields)> _rows;
        private readonly FieldParsers _parsers;
        private readonly DataViewSchema _schema;
        private readonly Delegate[] _getters;
        private readonly long _maxRows;
        private long _position = -1;

        public Cursor(IMultiStreamSource source, TextLoader.Options options, DataViewSchema schema, BoundColumn[] columns,
            IEnumerable<DataViewSchema.Column> active)
        {
            _schema = schema;
            _maxRows = options.MaxRows ?? long.MaxValue;
            _rows = new LineSplitter(options).Rows(source, options.HasHeader).GetEnumerator();
            _parsers = new FieldParsers(options);
            _getters = new Delegate[columns.Length];
            foreach (var column in active)
            {
                var bound = columns[column.Index];
                _getters[column.Index] = bound.Type is VectorDataViewType
                    ? Generic.Call(Vector<int>, bound.ItemType.RawType, bound)
                    : Generic.Call(Scalar<int>, bound.ItemType.RawType, bound);
            }
        }

        public override long Position => _position;
        public override long Batch => 0;
        public override DataViewSchema Schema => _schema;
        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);
        public override bool IsColumnActive(DataViewSchema.Column column) => _getters[column.Index] != null;

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => IsColumnActive(column) ? _getters[column.Index].As<TValue>(column) : throw Getters.Inactive(column);

        public override bool MoveNext()
        {
            if (_position + 1 >= _maxRows || !_rows.MoveNext()) return false;
            _position++;
            return true;
        }

        private Delegate Scalar<T>(BoundColumn column)
        {
            var (parse, field) = (_parsers.For<T>(column), column.Fields[0]);
            return (ValueGetter<T>)((ref T value) => value = Read(parse, column, field));
        }

        private Delegate Vector<T>(BoundColumn column)
        {
            var (parse, fields) = (_parsers.For<T>(column), column.Fields);
            var values = new T[fields.Count];
            return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> vector) =>
            {
                var set = 0;
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = Read(parse, column, fields[i]);
                    if (!EqualityComparer<T>.Default.Equals(values[i], default)) set++;
                }
                // Mostly zeros come as a sparse vector, which readers must be ready for.
                if (2 * set >= values.Length) VBuffer<T>.Copy(values, 0, ref vector, values.Length);
                else CopySparse(values, set, ref vector);
            });
        }

        private static void CopySparse<T>(T[] values, int set, ref VBuffer<T> vector)
        {
            var editor = VBufferEditor.Create(ref vector, values.Length, set);
            for (int i = 0, at = 0; i < values.Length; i++)
            {
                if (EqualityComparer<T>.Default.Equals(values[i], default)) continue;
                editor.Values[at] = values[i];
                editor.Indices[at++] = i;
            }
            vector = editor.Commit();
        }

        private T Read<T>(TryParse<T> parse, BoundColumn column, int field)
        {
            var (line, fields) = _rows.Current;
            var text = field < fields.Length ? fields[field] : default;
            return parse(text, out var value)
                ? value : throw new InvalidOperationException($"Could not parse value {text} in line {line}, column {column.Name}");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _rows.Dispose();
        }
    }
}
