namespace Microsoft.ML;

using Microsoft.ML.Data;

/// <summary>The check that a column holds Single or Double values.</summary>
internal static class RealColumns
{
    private static bool IsReal(DataViewType type) => type == NumberDataViewType.Single || type == NumberDataViewType.Double;

    public static SchemaShape.Column FindReal(this SchemaShape schema, string name, bool knownSize)
    {
        var column = schema.Find(name);
        var fits = IsReal(column.ItemType) && !column.IsKey && !(knownSize && column.Kind == SchemaShape.Column.VectorKind.VariableVector);
        return fits ? column : throw SchemaMismatch.WrongType("input", name, Expected(knownSize), column.GetTypeString());
    }

    public static void CheckReal(this DataViewSchema.Column column, bool knownSize)
    {
        if (IsReal(column.Type.ItemType()) && !(knownSize && Slots.CountOf(column.Type) == 0)) return;
        throw SchemaMismatch.WrongType("input", column.Name, Expected(knownSize), column.Type.ToString());
    }

    private static string Expected(bool knownSize) => $"Single, Double or a {(knownSize ? "known-size " : "")}vector of them";
}
