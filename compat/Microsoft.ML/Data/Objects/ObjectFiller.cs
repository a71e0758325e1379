namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>Writes the values of rows into the members of objects of a class.</summary>
internal sealed class ObjectFiller<TRow> where TRow : class
{
    private readonly (SchemaDefinition.Column Member, DataViewSchema.Column Column)[] _bound;

    public ObjectFiller(DataViewSchema schema, bool ignoreMissingColumns, SchemaDefinition definition = null)
    {
        definition ??= SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Write);
        var bound = new List<(SchemaDefinition.Column, DataViewSchema.Column)>();
        foreach (var member in definition)
        {
            if (schema.GetColumnOrNull(member.ColumnName) is not { } column)
            {
                if (ignoreMissingColumns) continue;
                throw new ArgumentOutOfRangeException(nameof(schema), $"Column '{member.ColumnName}' not found in the data view");
            }
            if (!ColumnReader.CanRead(member.MemberType, column.Type)) throw ColumnReader.CannotBind(member, column);
            bound.Add((member, column));
        }
        _bound = [.. bound];
    }

    /// <summary>The columns it reads.</summary>
    public IEnumerable<DataViewSchema.Column> Columns => _bound.Select(b => b.Column);

    /// <summary>An action that fills an object from the row as it stands.</summary>
    public Action<TRow> Bind(DataViewRow row)
    {
        var writers = Array.ConvertAll(_bound, b => Generic.Call(Writer<int>, b.Member.MemberType, row, b.Column, b.Member));
        return target =>
        {
            foreach (var write in writers) write(target);
        };
    }

    private static Action<TRow> Writer<T>(DataViewRow row, DataViewSchema.Column column, SchemaDefinition.Column member)
    {
        var (read, write) = (ColumnReader.Create<T>(row, column), Member.Writer<TRow, T>(member.Member));
        return target => write(target, read());
    }
}
