namespace MLNet.Ssl.Weights;

/// <summary>A Python object of a <see cref="Checkpoint"/> that is neither a tensor nor a plain value: kept by the name
/// of its type, never brought to life.
/// </summary>
internal class OpaqueValue
{
    internal OpaqueValue(string typeName, object? state = null) => (TypeName, State) = (typeName, state);

    /// <summary>The type's name in Python, such as argparse.Namespace; of a type or a function that
    /// stands as a value, its own.</summary>
    public string TypeName { get; }

    /// <summary>What the object consisted of, as plain values: its attributes, else the arguments that would make it;
    /// null if nothing was stored. Items of a list or dictionary of an unknown type are left out.</summary>
    public object? State { get; private set; }

    /// <inheritdoc/>
    public override string ToString() => TypeName;

    /// <summary>Takes the attributes that the pickle gives.</summary>
    internal virtual void Build(object? state) => State = state;
}
