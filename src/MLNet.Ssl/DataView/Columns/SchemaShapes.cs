using Microsoft.ML;

namespace MLNet.Ssl.DataView;

/// <summary>Columns of a <see cref="SchemaShape"/>, whose constructor and lookup ML.NET keeps to itself.</summary>
internal static class SchemaShapes
{
    /// <summary>The input's columns with these added, each in the place of a column of its name.</summary>
    public static SchemaShape With(this SchemaShape input, params DataViewSchema.DetachedColumn[] columns)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(columns);
        return new(input.Where(kept => columns.All(added => added.Name != kept.Name)).Concat(Of(builder.ToSchema())));
    }

    /// <summary>
    /// The shape of a schema: the one public member that computes it is the schema of a loader's chain.
    /// </summary>
    public static SchemaShape Of(DataViewSchema schema) =>
        new SchemaSource(schema).Append(new PassThrough()).GetOutputSchema();

    public static SchemaShape.Column Find(this SchemaShape input, string role, string name, string? advice = null)
    {
        var column = input.FirstOrDefault(c => c.Name == name);
        return column.Name is null
            ? throw Missing(role, name, input.Select(c => c.Name), advice)
            : column;
    }

    public static DataViewSchema.Column Find(
        this DataViewSchema input, string role, string name, string? advice = null) =>
        input.GetColumnOrNull(name)
        ?? throw Missing(role, name, input.Select(c => c.Name), advice);

    public static ArgumentOutOfRangeException Mismatch(
        string role, string name, string expected, object actual, string? advice = null) =>
        new("inputSchema",
            $"Schema mismatch for {role} column '{name}': expected {expected}, got "
                + $"{actual}.{(advice is null ? "" : " " + advice)}");

    /// <summary>A column's type as ML.NET writes it in its messages.</summary>
    public static string Describe(this SchemaShape.Column column)
    {
        string item = column.IsKey ? $"Key<{column.ItemType}>" : $"{column.ItemType}";
        return column.Kind switch
        {
            SchemaShape.Column.VectorKind.Scalar => item,
            SchemaShape.Column.VectorKind.Vector => $"Vector<{item}>",
            _ => $"VarVector<{item}>",
        };
    }

    private static ArgumentOutOfRangeException Missing(
        string role, string name, IEnumerable<string> names, string? advice) =>
        new("inputSchema",
            $"Could not find {role} column '{name}' among "
                + $"{string.Join(", ", names.Select(n => $"'{n}'"))}.{(advice is null ? "" : " " + advice)}");

    private sealed class SchemaSource(DataViewSchema schema) : IDataLoader<object>
    {
        public DataViewSchema GetOutputSchema() => schema;

        public IDataView Load(object input) => throw new NotSupportedException();

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException();
    }

    private sealed class PassThrough : IEstimator<ITransformer>
    {
        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;

        public ITransformer Fit(IDataView input) => throw new NotSupportedException();
    }
}
