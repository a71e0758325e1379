namespace Microsoft.ML;

using Microsoft.ML.Runtime;

/// <remarks>The operations are the other parts of this class, in Data.</remarks>
public sealed partial class DataOperationsCatalog
{
    internal DataOperationsCatalog(HostEnvironment environment) => Environment = environment;

    internal HostEnvironment Environment { get; }
}
