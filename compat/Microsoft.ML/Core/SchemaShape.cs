using System.Collections;

namespace Microsoft.ML;

using Microsoft.ML.Data;

public sealed class SchemaShape : IReadOnlyList<SchemaShape.Column>
{
    private readonly Column[] _columns;

    public SchemaShape(IEnumerable<Column> columns)
    {
        _columns = columns?.ToArray() ?? throw new ArgumentNullException(nameof(columns));
        if (_columns.Any(c => c.Name == null)) throw new ArgumentException("Some items are not initialized properly", nameof(columns));
    }

    public int Count => _columns.Length;

    public Column this[int index] => _columns[index];

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The shape of what is visible in a schema.</summary>
    internal static SchemaShape Create(DataViewSchema schema) => new(schema.Where(c => !c.IsHidden).Select(c => Column.Of(c.Name, c.Type, c.Annotations)));

    internal bool TryFindColumn(string name, out Column column)
    {
        column = _columns.FirstOrDefault(c => c.Name == name);
        return column.Name != null;
    }

    internal Column Find(string name, string role = "input")
        => TryFindColumn(name, out var column) ? column : throw SchemaMismatch.NotFound(role, name, nameof(Find));

    /// <summary>These columns, those given added or in the place of their namesakes.</summary>
    internal SchemaShape With(params Column[] added)
        => new(_columns.Where(c => !added.Any(a => a.Name == c.Name)).Concat(added));

    public readonly struct Column
    {
        public readonly string Name;
        public readonly VectorKind Kind;
        public readonly DataViewType ItemType;
        public readonly bool IsKey;
        public readonly SchemaShape Annotations;

        internal Column(string name, VectorKind vecKind, DataViewType itemType, bool isKey, SchemaShape annotations = null)
        {
            if (string.IsNullOrEmpty(name)) throw new ArgumentNullException(nameof(name));
            if (itemType is null or KeyDataViewType or VectorDataViewType)
                throw new ArgumentException("Item types are neither keys nor vectors", nameof(itemType));
            (Name, Kind, ItemType, IsKey, Annotations) = (name, vecKind, itemType, isKey, annotations ?? new SchemaShape([]));
        }

        internal static Column Of(string name, DataViewType type, DataViewSchema.Annotations annotations = null)
        {
            var kind = type is VectorDataViewType vector ? vector.IsKnownSize ? VectorKind.Vector : VectorKind.VariableVector : VectorKind.Scalar;
            var item = type.ItemType();
            var isKey = item is KeyDataViewType;
            return new Column(name, kind, isKey ? DataViewTypes.PrimitiveOf(item.RawType) : item, isKey,
                annotations == null ? null : Create(annotations.Schema));
        }

        internal Column Named(string name) => new(name, Kind, ItemType, IsKey, Annotations);

        internal bool HasAnnotation(string kind) => Annotations.TryFindColumn(kind, out _);

        /// <summary>Whether a column of shape <paramref name="source"/> can stand where this one is expected.</summary>
        internal bool IsCompatibleWith(Column source)
            => Name == source.Name && Kind == source.Kind && IsKey == source.IsKey && ItemType.Equals(source.ItemType)
                && Annotations.All(wanted => source.Annotations.TryFindColumn(wanted.Name, out var found) && wanted.IsCompatibleWith(found));

        internal string GetTypeString()
        {
            var item = IsKey ? $"Key<{ItemType}>" : ItemType.ToString();
            return Kind switch { VectorKind.Vector => $"Vector<{item}>", VectorKind.VariableVector => $"VarVector<{item}>", _ => item };
        }

        public enum VectorKind
        {
            Scalar = 0,
            Vector = 1,
            VariableVector = 2
        }
    }
}
