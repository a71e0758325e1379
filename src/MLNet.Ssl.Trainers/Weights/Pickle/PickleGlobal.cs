namespace MLNet.Ssl.Weights;

/// <summary>A Python name with what is put in place of calling it; a value too, where it is not called.</summary>
internal sealed class PickleGlobal(string name, Func<IReadOnlyList<object?>, PickleBudget, object?> construct)
    : OpaqueValue(name)
{
    public object? Construct(IReadOnlyList<object?> args, PickleBudget budget) => construct(args, budget);

    // One object stands for all uses of the name.
    internal override void Build(object? state) =>
        throw new InvalidDataException($"the pickle gives attributes to '{TypeName}' itself.");
}
