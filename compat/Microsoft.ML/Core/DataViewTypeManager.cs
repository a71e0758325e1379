namespace Microsoft.ML.Data;

[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field, AllowMultiple = false)]
public abstract class DataViewTypeAttribute : Attribute, IEquatable<DataViewTypeAttribute>
{
    protected DataViewTypeAttribute() { }

    public abstract void Register();

    public abstract bool Equals(DataViewTypeAttribute other);
}

/// <summary>Which column type stands for a .NET type that is not built in, such as images.</summary>
public static class DataViewTypeManager
{
    private static readonly List<(DataViewType DataViewType, Type Type, DataViewTypeAttribute Attribute)> Registered = [];

    [Obsolete("Register with a single DataViewTypeAttribute.", false)]
    public static void Register(DataViewType dataViewType, Type type, IEnumerable<Attribute> typeAttributes)
        => Register(dataViewType, type, typeAttributes?.OfType<DataViewTypeAttribute>().SingleOrDefault());

    public static void Register(DataViewType dataViewType, Type type, DataViewTypeAttribute typeAttribute = null)
    {
        ArgumentNullException.ThrowIfNull(dataViewType);
        ArgumentNullException.ThrowIfNull(type);
        lock (Registered)
        {
            if (Find(type, typeAttribute) is not { } known) Registered.Add((dataViewType, type, typeAttribute));
            else if (!known.Equals(dataViewType)) throw new ArgumentException($"Type {type} is already registered as {known}", nameof(type));
        }
    }

    internal static DataViewType TypeOf(Type type, DataViewTypeAttribute attribute)
    {
        attribute?.Register();
        lock (Registered) return Find(type, attribute);
    }

    private static DataViewType Find(Type type, DataViewTypeAttribute attribute)
        => Registered.FirstOrDefault(r => r.Type == type && (r.Attribute == null ? attribute == null : r.Attribute.Equals(attribute))).DataViewType;
}
