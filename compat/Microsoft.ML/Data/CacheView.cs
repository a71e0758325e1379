namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>Keeps the columns that were read once in memory. Columns that cannot be kept, such as images, are left out.</summary>
internal sealed class CacheView : IDataView
{
    private readonly IDataView _source;
    private readonly DataViewSchema.Column[] _sourceColumns;
    private readonly ColumnStore[] _stores;
    private readonly Lock _lock = new();
    private int _count = -1;

    public CacheView(IDataView source, params string[] prefetch)
    {
        _source = source;
        _sourceColumns = source.Schema.Where(c => !c.IsHidden && ColumnStore.CanStore(c)).ToArray();
        _stores = new ColumnStore[_sourceColumns.Length];
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(_sourceColumns);
        Schema = builder.ToSchema();
        if (prefetch is { Length: > 0 }) Fill(prefetch.Select(name => Schema.Find(name).Index).ToArray());
    }

    public bool CanShuffle => true;
    public DataViewSchema Schema { get; }
    public long? GetRowCount() => _count >= 0 ? _count : _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        => GetRowCursorSet(columnsNeeded, 1, rand)[0];

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        var active = columnsNeeded.Select(c => c.Index).Distinct().ToArray();
        // The permutation needs the number of rows, so it is drawn when the first row is asked for.
        var order = new Lazy<int[]>(() =>
        {
            Fill(active);
            var rows = Enumerable.Range(0, _count).ToArray();
            rand?.Shuffle(rows);
            return rows;
        });
        return Enumerable.Range(0, n).Select(DataViewRowCursor (part) => new Cursor(this, active, order, part, n)).ToArray();
    }

    private void Fill(int[] columns)
    {
        lock (_lock)
        {
            var missing = columns.Where(i => _stores[i] == null).ToArray();
            if (missing.Length == 0 && _count >= 0) return;
            using var cursor = _source.GetRowCursor(missing.Select(i => _sourceColumns[i]));
            var stores = missing.Select(i => ColumnStore.For(_sourceColumns[i])).ToArray();
            var fillers = stores.Select((store, i) => store.Filler(cursor, _sourceColumns[missing[i]])).ToArray();
            var count = 0;
            for (; cursor.MoveNext(); count++)
                foreach (var fill in fillers) fill(count);
            for (var i = 0; i < missing.Length; i++) _stores[missing[i]] = stores[i];
            _count = count;
        }
    }

    private sealed class Cursor(CacheView view, int[] columns, Lazy<int[]> order, int part, int parts) : DataViewRowCursor
    {
        private long _at = -1;
        private long _position = -1;

        public override long Position => _position;
        public override long Batch => part;
        public override DataViewSchema Schema => view.Schema;
        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)Row, 0);
        public override bool IsColumnActive(DataViewSchema.Column column) => columns.Contains(column.Index);

        private int Row => order.Value[_at];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw Getters.Inactive(column);
            _ = order.Value;
            return view._stores[column.Index].Getter(() => Row).As<TValue>(column);
        }

        // Cursor k of n reads the k-th contiguous piece.
        public override bool MoveNext()
        {
            if (_at < 0) _at = (long)order.Value.Length * part / parts - 1;
            if (_at + 1 >= (long)order.Value.Length * (part + 1) / parts) return false;
            _at++;
            _position++;
            return true;
        }
    }
}
