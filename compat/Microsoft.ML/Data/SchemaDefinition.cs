using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>How the members of a class stand for columns.</summary>
public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    private SchemaDefinition(IEnumerable<Column> columns) : base(columns) { }

    public Column this[string columnName]
    {
        get => Find(c => c.ColumnName == columnName) ?? throw new ArgumentOutOfRangeException(nameof(columnName), $"No column '{columnName}'");
        set
        {
            if (value.ColumnName != columnName)
                throw new ArgumentOutOfRangeException(nameof(columnName), $"The column is called '{value.ColumnName}', not '{columnName}'");
            var at = FindIndex(c => c.ColumnName == columnName);
            if (at >= 0) this[at] = value;
            else Add(value);
        }
    }

    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        ArgumentNullException.ThrowIfNull(userType);
        const BindingFlags Visible = BindingFlags.Public | BindingFlags.Instance;
        var fields = userType.GetFields(Visible).Select(f => (Member: (MemberInfo)f, Type: f.FieldType));
        var properties = userType.GetProperties(Visible).Where(p => p.GetIndexParameters().Length == 0
            && (!direction.HasFlag(Direction.Read) || p.GetGetMethod() != null) && (!direction.HasFlag(Direction.Write) || p.GetSetMethod() != null));
        return new SchemaDefinition(fields.Concat(properties.Select(p => (Member: (MemberInfo)p, Type: p.PropertyType)))
            .Where(m => !m.Member.IsDefined(typeof(NoColumnAttribute)))
            .Select(m => new Column(m.Member, m.Type)));
    }

    /// <summary>The column type that a member declares by its own type and its attributes.</summary>
    private static DataViewType TypeOf(MemberInfo member, Type type)
    {
        if (DataViewTypeManager.TypeOf(type, member.GetCustomAttribute<DataViewTypeAttribute>()) is { } registered) return registered;
        var isVector = type.IsArray || type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>);
        var itemType = type.IsArray ? type.GetElementType() : isVector ? type.GetGenericArguments()[0] : type;
        var item = itemType == typeof(string) ? TextDataViewType.Instance : DataViewTypes.PrimitiveOf(itemType)
            ?? throw new ArgumentOutOfRangeException(nameof(type), $"Could not determine an IDataView type for member {member.Name} of type {type}");
        if (member.GetCustomAttribute<KeyTypeAttribute>() is { } key)
        {
            if (!KeyDataViewType.IsValidDataType(itemType))
                throw new ArgumentOutOfRangeException(nameof(type),
                    $"Member {member.Name} marked with KeyType attribute, but does not appear to be a valid kind of data for a key type");
            item = new KeyDataViewType(itemType, key.KeyCount.Count ?? KeyDataViewType.MaxCount(itemType));
        }
        var vector = member.GetCustomAttribute<VectorTypeAttribute>();
        if (isVector) return new VectorDataViewType(item, vector?.Dimensions ?? [0]);
        return vector == null ? item : throw new ArgumentOutOfRangeException(nameof(type),
            $"Member {member.Name} marked with VectorType attribute, but does not appear to be a vector type");
    }

    public sealed class Column
    {
        private readonly DataViewSchema.Annotations.Builder _annotations = new();

        internal Column(MemberInfo member, Type type)
        {
            (Member, MemberType) = (member, type);
            ColumnName = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            ColumnType = TypeOf(member, type);
        }

        internal MemberInfo Member { get; }
        internal Type MemberType { get; }

        public string MemberName => Member.Name;
        public string ColumnName { get; set; }
        public DataViewType ColumnType { get; set; }
        public DataViewSchema.Annotations Annotations => _annotations.ToAnnotations();

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
            => _annotations.Add(kind, annotationType, (ref T destination) => destination = value);

        internal void TakeFrom(DataViewSchema.Column column)
        {
            ColumnType = column.Type;
            _annotations.Add(column.Annotations, _ => true);
        }
    }

    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write
    }
}
