namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>Rows in random order, drawn from a pool that is filled as rows leave it. Images, which cannot wait in a pool, are left out.</summary>
internal sealed class ShuffleView : IDataView
{
    private readonly IDataView _source;
    private readonly DataViewSchema.Column[] _sourceColumns;
    private readonly int _seed;
    private readonly int _poolSize;
    private readonly bool _shuffleSource;

    public ShuffleView(IDataView source, int seed, int poolSize, bool shuffleSource)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(poolSize);
        (_source, _seed, _poolSize, _shuffleSource) = (source, seed, poolSize, shuffleSource && source.CanShuffle);
        _sourceColumns = source.Schema.Where(c => !c.IsHidden && ColumnStore.CanStore(c)).ToArray();
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(_sourceColumns);
        Schema = builder.ToSchema();
    }

    public bool CanShuffle => true;
    public DataViewSchema Schema { get; }
    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        rand ??= new Random(_seed);
        var active = columnsNeeded.Select(c => c.Index).Distinct().ToArray();
        var source = _source.GetRowCursor(active.Select(i => _sourceColumns[i]), _shuffleSource ? new Random(rand.Next()) : null);
        return new Cursor(this, source, active, rand);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly ShuffleView _view;
        private readonly DataViewRowCursor _source;
        private readonly Random _rand;
        private readonly ColumnStore[] _stores;
        private readonly List<Action<int>> _fillers = [];
        private readonly ValueGetter<DataViewRowId> _id;
        private readonly List<DataViewRowId> _ids = [];
        private readonly List<int> _waiting = [];
        private bool _more = true;
        private int _current = -1;
        private long _position = -1;

        public Cursor(ShuffleView view, DataViewRowCursor source, int[] active, Random rand)
        {
            (_view, _source, _rand) = (view, source, rand);
            _id = source.GetIdGetter();
            _stores = new ColumnStore[view.Schema.Count];
            foreach (var i in active)
            {
                _stores[i] = ColumnStore.For(view._sourceColumns[i]);
                _fillers.Add(_stores[i].Filler(source, view._sourceColumns[i]));
            }
        }

        public override long Position => _position;
        public override long Batch => 0;
        public override DataViewSchema Schema => _view.Schema;
        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = _ids[_current];
        public override bool IsColumnActive(DataViewSchema.Column column) => _stores[column.Index] != null;

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => IsColumnActive(column) ? _stores[column.Index].Getter(() => _current).As<TValue>(column) : throw Getters.Inactive(column);

        public override bool MoveNext()
        {
            while (_more && _waiting.Count < _view._poolSize) _more = Take();
            if (_waiting.Count == 0) return false;
            var drawn = _rand.Next(_waiting.Count);
            _current = _waiting[drawn];
            _waiting[drawn] = _waiting[^1];
            _waiting.RemoveAt(_waiting.Count - 1);
            _position++;
            return true;
        }

        // The row served last gives its place to the next one taken in.
        private bool Take()
        {
            if (!_source.MoveNext()) return false;
            var place = _current >= 0 && _ids.Count >= _view._poolSize ? _current : _ids.Count;
            foreach (var fill in _fillers) fill(place);
            DataViewRowId id = default;
            _id(ref id);
            if (place == _ids.Count) _ids.Add(id);
            else _ids[place] = id;
            _waiting.Add(place);
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _source.Dispose();
        }
    }
}
