namespace Microsoft.ML;

/// <summary>What a component says when a column is missing or has the wrong type.</summary>
internal static class SchemaMismatch
{
    public static ArgumentOutOfRangeException NotFound(string role, string column, string parameter = "inputSchema")
        => new(parameter, $"Could not find {role} column '{column}'");

    public static ArgumentOutOfRangeException WrongType(string role, string column, string expected, string actual, string parameter = "inputSchema")
        => new(parameter, $"Schema mismatch for {role} column '{column}': expected {expected}, got {actual}");

    /// <summary>The column, or the error that it is missing.</summary>
    public static DataViewSchema.Column Find(this DataViewSchema schema, string name, string role = "input", string parameter = "inputSchema")
        => schema.GetColumnOrNull(name) ?? throw NotFound(role, name, parameter);
}
