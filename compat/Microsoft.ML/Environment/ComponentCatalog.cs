using System.Reflection;

namespace Microsoft.ML.Runtime;

/// <summary>The assemblies in which a context looks for the extensions that a saved model names.</summary>
public sealed class ComponentCatalog
{
    private readonly HashSet<Assembly> _assemblies = [];

    internal ComponentCatalog() { }

    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        lock (_assemblies) _assemblies.Add(assembly);
    }

    /// <summary>A new instance of the class that carries <typeparamref name="TAttribute"/> with this contract name, or null.</summary>
    internal object CreateExtension<TAttribute>(string contractName) where TAttribute : ExtensionBaseAttribute
    {
        Assembly[] assemblies;
        lock (_assemblies) assemblies = [.. _assemblies];
        var type = assemblies.SelectMany(a => a.GetTypes()).FirstOrDefault(t => t.GetCustomAttribute<TAttribute>()?.ContractName == contractName);
        return type == null ? null : Activator.CreateInstance(type, nonPublic: true);
    }
}
