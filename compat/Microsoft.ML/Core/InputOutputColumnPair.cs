namespace Microsoft.ML;

public sealed class InputOutputColumnPair
{
    public InputOutputColumnPair(string outputColumnName, string inputColumnName = null)
    {
        if (string.IsNullOrEmpty(outputColumnName)) throw new ArgumentException("The output column needs a name", nameof(outputColumnName));
        OutputColumnName = outputColumnName;
        InputColumnName = inputColumnName ?? outputColumnName;
    }

    public string InputColumnName { get; }
    public string OutputColumnName { get; }
}
