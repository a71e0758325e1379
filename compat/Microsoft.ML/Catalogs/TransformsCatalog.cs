namespace Microsoft.ML;

using Microsoft.ML.Runtime;

public sealed class TransformsCatalog
{
    internal TransformsCatalog(HostEnvironment environment)
    {
        Environment = environment;
        Categorical = new CategoricalTransforms(environment);
        Conversion = new ConversionTransforms(environment);
    }

    internal HostEnvironment Environment { get; }

    public CategoricalTransforms Categorical { get; }
    public ConversionTransforms Conversion { get; }

    public sealed class CategoricalTransforms
    {
        internal CategoricalTransforms(HostEnvironment environment) => Environment = environment;
        internal HostEnvironment Environment { get; }
    }

    public sealed class ConversionTransforms
    {
        internal ConversionTransforms(HostEnvironment environment) => Environment = environment;
        internal HostEnvironment Environment { get; }
    }
}
