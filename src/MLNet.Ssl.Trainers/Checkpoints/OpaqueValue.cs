namespace MLNet.Ssl;

/// <summary>A Python object of a <see cref="Checkpoint"/> that is neither a tensor nor a plain value: kept by the name of its type, never brought to life.
/// </summary>
public sealed class OpaqueValue
{
    internal OpaqueValue(string typeName) => TypeName = typeName;

    /// <summary>The type's name in Python, such as argparse.Namespace.</summary>
    public string TypeName { get; }

    /// <summary>What the object consisted of, as plain values; null if nothing was stored.</summary>
    public object? State { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => TypeName;
}
