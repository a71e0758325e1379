namespace Microsoft.ML;

using Microsoft.ML.Runtime;

/// <remarks>The operations are the other parts of this class, in Model.</remarks>
public sealed partial class ModelOperationsCatalog
{
    internal ModelOperationsCatalog(HostEnvironment environment) => Environment = environment;

    internal HostEnvironment Environment { get; }
}
