namespace Microsoft.ML;

public abstract class ExtensionBaseAttribute : Attribute
{
    private protected ExtensionBaseAttribute(string contractName)
        => ContractName = string.IsNullOrWhiteSpace(contractName)
            ? throw new ArgumentException("A contract name is needed", nameof(contractName)) : contractName;

    public string ContractName { get; }
}
